"""The tour: two instances are started, used and stopped, and nothing is left of them."""
