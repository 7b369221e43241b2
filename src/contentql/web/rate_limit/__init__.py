"""Rate limits: the counts of each client, in this process or in Redis for all workers."""
