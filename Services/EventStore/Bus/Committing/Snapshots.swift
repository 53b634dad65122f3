/// The journal's next generation while it is made.
struct Snapshots {
    private(set) var minimumBytes: Int
    /// Writes the snapshot with which the next generation starts. Nil if none is due.
    private(set) var task: Task<Void, Never>?
    private var finished: (generation: JournalGeneration, position: UInt64)?

    /// - Parameter minimumBytes: the smallest size of the journal, in bytes, at which its next
    ///   generation starts.
    init(minimumBytes: Int) { self.minimumBytes = minimumBytes }

    mutating func begin(_ task: Task<Void, Never>) { self.task = task }

    /// Records that the snapshot is complete up to `position` of the current generation.
    mutating func finish(_ generation: JournalGeneration, at position: UInt64) {
        finished = (generation, position)
    }

    /// Records that the snapshot failed. The current generation stays in use until it is twice as
    /// long.
    mutating func fail() {
        minimumBytes = max(2 * minimumBytes, 1 << 20)
        task = nil
    }

    /// Removes and returns the generation with a complete snapshot.
    mutating func takeFinished() -> (generation: JournalGeneration, position: UInt64)? {
        guard let finished else { return nil }
        (self.finished, task) = (nil, nil)
        return finished
    }
}
