"""The search for subnets: genomes, what they cost and how accurate they are, and the engine."""
