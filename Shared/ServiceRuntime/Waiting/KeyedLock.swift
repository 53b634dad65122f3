/// Lets one task at a time work on a key, in the order in which they came.
///
/// Belongs to one actor: its state is that actor's.
struct KeyedLock: ~Copyable {
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    /// Takes the key if it is free.
    mutating func tryLock(_ key: String) -> Bool {
        guard waiting[key] == nil else { return false }
        waiting[key] = []
        return true
    }

    /// Resumes `continuation` when the key has come to it: at once if it is free, as it may be
    /// again by the time that a task which found it taken has suspended.
    mutating func wait(for key: String, _ continuation: CheckedContinuation<Void, Never>) {
        if tryLock(key) { continuation.resume() } else { waiting[key]?.append(continuation) }
    }

    /// Hands the key to who waits longest, or frees it.
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
