"""Where evaluations run: processes of this machine, or a dask cluster. They know nothing of subnets."""
