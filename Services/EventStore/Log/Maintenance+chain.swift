import Synchronization

/// How far the chain's files of a log are written.
struct ChainProgress {
    /// The sealed segments, in order.
    var segments: [ChainSegment] = []
    /// How many segments have files, and the point of the chain after them. Nil before the first
    /// look.
    var made: (count: Int, end: ChainPoint)?
    /// Whether no more files are to be written.
    var isStopped = false
}

extension Maintenance {
    /// Writes the chain's files of the segments in the background, if they are missing.
    ///
    /// The files are written one after the other, because each hash depends on the one before. Each
    /// background task writes one file, so that an old log without any files delays nothing
    /// else.
    ///
    /// If a file cannot be written, because storage fails or a record is damaged, the next
    /// segment's task retries. Only `ChainVerification` needs the file. A damaged record is
    /// reported to its readers.
    func chain(_ segments: [ChainSegment]) {
        guard !segments.isEmpty else { return }
        state.withLock { $0.chain.segments += segments }
        continueChain()
    }

    private func continueChain() {
        background { [self] in
            if (try? makeNextChainFile()) == true { continueChain() }
        }
    }

    /// Writes the file of the first segment that lacks one. Returns false if no segment lacks one.
    private func makeNextChainFile() throws(LogError) -> Bool {
        let chain = state.withLock(\.chain)
        guard !chain.isStopped else { return false }
        let made =
            if let made = chain.made { made } else {
                try ChainFile.last(of: chain.segments, log: log, in: storage)
            }
        guard made.count < chain.segments.count else { return false }
        let segment = chain.segments[made.count]
        let end = try ChainFile.end(of: segment, after: made.end, log: log, in: storage)
        state.withLock { $0.chain.made = (made.count + 1, end) }
        return true
    }
}
