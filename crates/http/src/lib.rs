//! The HTTP transport of defender-query: connections, proxy, CA, timeouts, retry.
