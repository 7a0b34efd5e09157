"""POSIX message queues, shared memory and semaphores, by name."""
