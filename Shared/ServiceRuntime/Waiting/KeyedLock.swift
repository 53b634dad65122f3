/// A lock for each key, which tasks take in the order of their requests.
///
/// It must belong to one actor, because it does not synchronize its own state.
struct KeyedLock: ~Copyable {
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    /// Takes the key if it is free, and returns whether it did.
    mutating func tryLock(_ key: String) -> Bool {
        guard waiting[key] == nil else { return false }
        waiting[key] = []
        return true
    }

    /// Resumes `continuation` once it holds the key.
    ///
    /// Tries the key again first: it may have become free while the task suspended.
    mutating func wait(for key: String, _ continuation: CheckedContinuation<Void, Never>) {
        if tryLock(key) { continuation.resume() } else { waiting[key]?.append(continuation) }
    }

    /// Passes the key to the task that has waited longest, or frees it.
    mutating func unlock(_ key: String) {
        guard var queue = waiting[key], !queue.isEmpty else {
            waiting[key] = nil
            return
        }
        let next = queue.removeFirst()
        waiting[key] = queue
        next.resume()
    }
}
