"""What all compiled code shares."""
