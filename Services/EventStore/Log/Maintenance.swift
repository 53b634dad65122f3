import Dispatch
import EventSourcing
import Synchronization

/// Runs work, by and by and in order.
public typealias Background = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

/// What a log has done in the background: the next segment's file is made before it is needed, and
/// the index and the chain of a full one are written.
struct Maintenance {
    private static let prepared = "prepared.new"

    private struct State {
        var isPrepared = false
        var sealed: [Result<(SealedSegment, filter: [UInt64]), LogError>] = []
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    private let storage: any LogStorage
    private let log: EventID
    private let salt: UInt64
    private let segmentBytes: Int
    private let background: Background
    private let chain: ChainMaintenance
    private let shared = Shared()

    /// - Parameter sealed: those that are there, some of which may lack their chain.
    init(
        _ storage: any LogStorage, log: EventID, salt: UInt64, segmentBytes: Int,
        sealed: SealedSegments, background: @escaping Background
    ) {
        self.storage = storage
        self.log = log
        self.salt = salt
        self.segmentBytes = segmentBytes
        self.background = background
        chain = ChainMaintenance(storage, log: log, background: background)
        chain.append(sealed.chain)
    }

    /// Has a file of zeros made for the next segment.
    func prepareSegment() {
        background { [storage, segmentBytes, shared] in
            // One that can't be made is tried for again when it is needed, and then it matters.
            guard (try? storage.create(Self.prepared, size: segmentBytes)) != nil else { return }
            shared.state.withLock { $0.isPrepared = true }
        }
    }

    /// Creates the file of the segment that begins at position `base`.
    func makeSegment(base: UInt64) throws(LogError) -> SegmentHeader {
        let name = SegmentHeader.name(base: base)
        let header = SegmentHeader(base: base, log: log, salt: salt, fileSize: segmentBytes)
        let bytes = header.bytes
        let isPrepared = shared.state.withLock { state in
            defer { state.isPrepared = false }
            return state.isPrepared
        }
        // A file is a segment only under its own name, which it gets when its header is on disk.
        let temporary = isPrepared ? Self.prepared : name + ".new"
        try storing { () throws(StorageError) in
            if !isPrepared { try storage.create(temporary, size: segmentBytes) }
            try storage.write(temporary, bytes.span, at: 0)
            try storage.sync(temporary)
            try storage.rename(temporary, to: name)
        }
        return header
    }

    /// Has the index of `segment` written, and its chain.
    func seal(_ segment: OpenSegment) {
        let filterWords = TermFilter.words(segmentBytes: segmentBytes)
        background { [storage, shared] in
            let result = Result { () throws(LogError) in
                try Self.seal(segment, filterWords: filterWords, in: storage)
            }
            shared.state.withLock { $0.sealed.append(result) }
        }
        chain.append([ChainSegment(base: segment.base, next: segment.nextPosition)])
    }

    /// The segments that have been sealed since the last call.
    func takeSealed() throws(LogError) -> [(SealedSegment, filter: [UInt64])] {
        let results = shared.state.withLock { state in
            defer { state.sealed = [] }
            return state.sealed
        }
        var sealed: [(SealedSegment, filter: [UInt64])] = []
        for result in results { sealed.append(try result.get()) }
        return sealed
    }

    /// Returns when all that was begun is done; of the chain, the segment that was begun.
    func finish() {
        chain.stop()
        // The second time for the turn that the chain may have taken during the first.
        for _ in 1...2 {
            let done = DispatchSemaphore(value: 0)
            background { done.signal() }
            done.wait()
        }
    }

    /// Writes the index of `segment`, and opens it.
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
