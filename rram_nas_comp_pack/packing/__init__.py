"""Rectangles onto crossbars: packers, lower bounds, and the independent checker."""
