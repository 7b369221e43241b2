"""How much cost each client has asked for: in this process, or in Redis for all workers."""
