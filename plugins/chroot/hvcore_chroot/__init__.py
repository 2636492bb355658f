"""Chroots as hvcore instances: a mounted root, and a script in it that starts and stops what runs there.

Its mount step is a hook: ``hvcore_chroot.spec.ChrootSteps`` names it, and an extension of the group ``hvcore.chroot``
overrides it.
"""
