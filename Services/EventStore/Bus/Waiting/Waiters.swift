/// A suspended caller of the bus. Owners of state keep it instead of a continuation, so that they
/// are values and can be tested without tasks.
struct Waiter: Hashable, Sendable {
    let id: UInt64
}

/// The suspended callers of the bus.
struct Waiters {
    private var continuations: [Waiter: CheckedContinuation<Void, any Error>] = [:]
    private var lastID: UInt64 = 0
    private(set) var isStopped = false

    /// Returns a waiter for a caller that is added later.
    mutating func reserve() -> Waiter {
        lastID += 1
        return Waiter(id: lastID)
    }

    /// Adds a caller. Returns nil and fails it if the bus has stopped, because nothing would resume
    /// it.
    mutating func add(_ continuation: CheckedContinuation<Void, any Error>) -> Waiter? {
        let waiter = reserve()
        return add(continuation, as: waiter) ? waiter : nil
    }

    /// Adds a caller as a reserved waiter. Returns false and fails it if the bus has stopped.
    mutating func add(
        _ continuation: CheckedContinuation<Void, any Error>, as waiter: Waiter
    ) -> Bool {
        guard !isStopped else {
            continuation.resume(throwing: CancellationError())
            return false
        }
        continuations[waiter] = continuation
        return true
    }

    mutating func resume(_ waiters: some Sequence<Waiter>) {
        for waiter in waiters { continuations.removeValue(forKey: waiter)?.resume() }
    }

    mutating func fail(_ waiters: some Sequence<Waiter>, with error: any Error) {
        for waiter in waiters {
            continuations.removeValue(forKey: waiter)?.resume(throwing: error)
        }
    }

    /// Fails all callers, and those that are added later.
    mutating func stop() {
        isStopped = true
        fail(Array(continuations.keys), with: CancellationError())
    }
}
