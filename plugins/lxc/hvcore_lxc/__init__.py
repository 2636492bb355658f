"""Linux containers for hvcore, through LXC's own tools.

Its mount, cgroup and config steps are hooks: ``hvcore_lxc.spec.LxcSteps`` names them, and an extension of the group
``hvcore.lxc`` overrides them.
"""
