"""The parameters that a hypervisor declares, and their checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.parameters import Parameter, ParameterValue

__all__ = ["ParamsSpec"]


class ParamsSpec:
    """Declared parameters: checked for syntax anywhere, validated on the node that will use them."""

    @command(since="1.0")
    def get_parameters(self) -> tuple[Parameter, ...]:
        """Return the declared parameters.

        Answered by: the driver; ``BaseHypervisor`` answers with ``PARAMETERS``.

        Args:
            none.

        Returns:
            One declaration per parameter: type, default, five-part check and documentation.

        Raises:
            nothing.

        Source: Ganeti ``PARAMETERS``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def check_parameter_syntax(self, parameters: Mapping[str, ParameterValue]) -> None:
        """Check parameters without a look at the world, so that the answer is the same on every machine.

        Answered by: the driver; ``BaseHypervisor`` checks what ``PARAMETERS`` declares.

        Args:
            parameters: every declared parameter, filled in; None and "" mean unset.

        Returns:
            Nothing.

        Raises:
            InvalidParameter: one is unknown, missing, of the wrong type or fails its check.

        Source: Ganeti ``CheckParameterSyntax``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def validate_parameters(self, parameters: Mapping[str, ParameterValue]) -> None:
        """Check parameters against this node.

        Answered by: the driver; ``BaseHypervisor`` checks what ``PARAMETERS`` declares.

        Args:
            parameters: every declared parameter, filled in; None and "" mean unset.

        Returns:
            Nothing.

        Raises:
            InvalidParameter: one does not fit this node.

        Source: Ganeti ``ValidateParameters``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def assess_parameters(self, parameters: Mapping[str, ParameterValue]) -> tuple[str, ...]:
        """Name what is allowed but unwise about parameters.

        Answered by: the driver; ``BaseHypervisor`` has no advice.

        Args:
            parameters: every declared parameter, filled in.

        Returns:
            One warning per item.

        Raises:
            nothing.

        Source: Ganeti ``AssessParameters``, since Ganeti 3.1.
        """
        raise NotImplementedError
