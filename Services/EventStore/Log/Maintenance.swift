import Dispatch
import EventSourcing
import Synchronization

/// A function that runs pieces of work later, in order.
public typealias Background = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

/// The background work of a log: it creates the next segment's file ahead of time, and writes the
/// index and the chain of full segments.
final class Maintenance: Sendable {
    private static let prepared = "prepared.new"
    /// The free space, in bytes, that the preparation of a segment leaves to others: the bus's
    /// journal, the services' stores, and the segments that are still written to.
    private static let reserve = 256 << 20

    /// The state of the file that is made ahead of time. It is written to while it is `inProgress`,
    /// by the background, and while it is `inUse`, because it becomes a segment.
    fileprivate enum Preparation { case missing, inProgress, ready, inUse }

    struct State {
        fileprivate var preparation = Preparation.missing
        fileprivate var sealed: [Result<(SealedSegment, filter: [UInt64]), LogError>] = []
        var chain = ChainProgress()
    }

    let storage: any LogStorage
    let log: EventID
    private let salt: UInt64
    private let segmentBytes: Int
    let background: Background
    let state = Mutex(State())

    /// Starts writing the chain files that sealed segments lack.
    ///
    /// - Parameter sealed: the log's sealed segments.
    init(
        _ storage: any LogStorage, log: EventID, salt: UInt64, segmentBytes: Int,
        sealed: SealedSegments, background: @escaping Background
    ) {
        self.storage = storage
        self.log = log
        self.salt = salt
        self.segmentBytes = segmentBytes
        self.background = background
        chain(sealed.chain)
    }

    /// Creates a file of zeros for the next segment in the background, if the disk has space for
    /// more than that.
    func prepareSegment() {
        background { [self] in
            // If segments are full before they are prepared, several preparations come together.
            guard move(from: .missing, to: .inProgress) else { return }
            // A failure is ignored here: `makeSegment` tries again and throws.
            let isReady =
                if let free = try? storage.freeBytes(), free - segmentBytes >= Self.reserve {
                    (try? create(Self.prepared)) != nil
                } else { false }
            state.withLock { $0.preparation = isReady ? .ready : .missing }
        }
    }

    /// Changes the state of the preparation. Returns false and does nothing in another state.
    private func move(from old: Preparation, to new: Preparation) -> Bool {
        state.withLock { state in
            guard state.preparation == old else { return false }
            state.preparation = new
            return true
        }
    }

    /// Creates a file of zeros. Removes what it could not finish, which would keep space from
    /// everything else.
    private func create(_ name: String) throws(LogError) {
        do {
            try storage.create(name, size: segmentBytes)
        } catch {
            try? storage.remove(name)
            throw error
        }
    }

    /// Creates the file of the segment that starts at position `base`.
    func makeSegment(base: UInt64) throws(LogError) -> SegmentHeader {
        let name = SegmentHeader.name(base: base)
        let header = SegmentHeader(base: base, log: log, salt: salt, fileSize: segmentBytes)
        let bytes = header.bytes
        let isPrepared = move(from: .ready, to: .inUse)
        defer { if isPrepared { state.withLock { $0.preparation = .missing } } }
        // The file gets its segment's name only when its header is on disk, so a crash leaves no
        // segment without a header.
        let temporary = isPrepared ? Self.prepared : name + ".new"
        if !isPrepared { try create(temporary) }
        try storage.write(temporary, bytes.span, at: 0)
        try storage.sync(temporary)
        try storage.rename(temporary, to: name)
        return header
    }

    /// Writes the index and the chain file of `segment` in the background.
    func seal(_ segment: OpenSegment) {
        let filterWords = TermFilter.words(segmentBytes: segmentBytes)
        background { [self] in
            let result = Result { () throws(LogError) in
                try Self.seal(segment, filterWords: filterWords, in: storage)
            }
            state.withLock { $0.sealed.append(result) }
        }
        chain([ChainSegment(base: segment.base, next: segment.nextPosition)])
    }

    /// Returns the segments that were sealed since the last call.
    func takeSealed() throws(LogError) -> [(SealedSegment, filter: [UInt64])] {
        let results = state.withLock { state in
            defer { state.sealed = [] }
            return state.sealed
        }
        return try results.map { result throws(LogError) in try result.get() }
    }

    /// Waits until the started work is done. Of the chain, only the segment in progress is
    /// finished.
    func finish() {
        state.withLock { $0.chain.isStopped = true }
        // Twice, because the chain may have queued another task during the first wait.
        for _ in 1...2 {
            let done = DispatchSemaphore(value: 0)
            background { done.signal() }
            done.wait()
        }
    }

    /// Writes the index of `segment`, and opens the segment by it.
    static func seal(
        _ segment: OpenSegment, filterWords: Int, in storage: any LogStorage
    ) throws(LogError) -> (SealedSegment, filter: [UInt64]) {
        let header = segment.header
        try IndexFile.write(segment, log: header.log, filterWords: filterWords, to: storage)
        let opened = try SealedSegment.open(header, filterWords: filterWords, in: storage)
        guard let opened else { throw .damagedIndex(header.indexName, offset: 0) }
        return opened
    }
}
