"""A small application for notes."""
