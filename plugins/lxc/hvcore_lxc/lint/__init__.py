"""What is wrong with a configuration, above all what LXC reads without a word."""
