import EventSourcing
import Synchronization

/// Writes the chain's files of sealed segments in the background.
///
/// The files are written one after the other, because each hash depends on the one before. Each
/// turn of the background writes one file, so that an old log without any files delays nothing
/// else.
///
/// If a file cannot be written, because storage fails or a record is damaged, the next segment's
/// turn tries it again. Only `ChainVerification` needs the file. A damaged record is reported to
/// its readers.
struct ChainMaintenance {
    private struct State {
        var segments: [ChainSegment] = []
        /// How many segments have files, and the point of the chain after them. Nil before the
        /// first look.
        var made: (count: Int, end: ChainPoint)?
        var isStopped = false
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    private let storage: any LogStorage
    private let log: EventID
    private let background: Background
    private let shared = Shared()

    init(_ storage: any LogStorage, log: EventID, background: @escaping Background) {
        self.storage = storage
        self.log = log
        self.background = background
    }

    /// Adds segments whose files are to be written if they are missing.
    func append(_ segments: [ChainSegment]) {
        guard !segments.isEmpty else { return }
        shared.state.withLock { $0.segments += segments }
        takeTurn()
    }

    /// Starts no more files.
    func stop() { shared.state.withLock { $0.isStopped = true } }

    private func takeTurn() {
        background { [self] in
            if (try? makeNext()) == true { takeTurn() }
        }
    }

    /// Writes the file of the first segment that lacks one. Returns false if no segment lacks one.
    private func makeNext() throws(LogError) -> Bool {
        let (segments, known, isStopped) = shared.state.withLock {
            ($0.segments, $0.made, $0.isStopped)
        }
        guard !isStopped else { return false }
        var made = known
        if made == nil { made = try ChainFile.last(of: segments, log: log, in: storage) }
        guard let made, made.count < segments.count else { return false }
        let segment = segments[made.count]
        let end = try ChainFile.end(of: segment, after: made.end, log: log, in: storage)
        shared.state.withLock { $0.made = (made.count + 1, end) }
        return true
    }
}
