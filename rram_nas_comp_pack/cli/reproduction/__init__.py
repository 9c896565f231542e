"""The paper's claims beside what this machine finds."""
