"""What the list of ancillary files promises."""

from __future__ import annotations

import os.path
from pathlib import Path

from hvcore.testing.conformance.clause import clause
from hvcore.testing.conformance.promise import allowed, ensure
from hvcore.testing.conformance.trial import Trial

__all__ = ["FilesClauses"]

_GANETI = "Ganeti GetAncillaryFiles"


class FilesClauses:
    """Files that must be alike on every node."""

    @clause("Every ancillary file has an absolute path in its shortest form.", source=_GANETI)
    def test_files_are_absolute(self, trial: Trial) -> None:
        files = allowed("a question for the files", trial.hypervisor.get_ancillary_files)
        bad = sorted(path for path in files.paths if not path.startswith("/") or os.path.normpath(path) != path)
        ensure(not bad, f"these paths are not absolute and normalised: {', '.join(bad)}")

    @clause("The optional ancillary files are among the ancillary files.", source="Ganeti 2.6 ANCILLARY_FILES_OPT")
    def test_files_optional_are_a_subset(self, trial: Trial) -> None:
        files = allowed("a question for the files", trial.hypervisor.get_ancillary_files)
        strays = sorted(files.optional - files.paths)
        ensure(not strays, f"these are optional and not among the files: {', '.join(strays)}")

    @clause("The ancillary files are always the same, whatever runs.", source=_GANETI)
    def test_files_stay_the_same(self, trial: Trial) -> None:
        before = trial.hypervisor.get_ancillary_files()
        trial.start()
        after = trial.hypervisor.get_ancillary_files()
        ensure(before == after, f"the files were {before}, and with an instance they are {after}")

    @clause("No ancillary file is one of this node's own state.", source=_GANETI)
    def test_files_are_no_state(self, trial: Trial) -> None:
        context = trial.hypervisor.context
        for path in sorted(trial.hypervisor.get_ancillary_files().paths):
            inside = {context.state_dir, context.log_dir} & set(Path(path).parents)
            ensure(not inside, f"{path} belongs to this node's state")
