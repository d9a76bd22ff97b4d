"""The review app for programs: the same use cases under ``/api/v1``, so that a CRM can show and work the queue."""
