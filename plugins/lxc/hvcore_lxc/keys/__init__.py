"""Every configuration key of LXC: what it is called, what it takes, since when, and how often it may stand there."""
