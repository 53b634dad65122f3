import EventSourcing
import Synchronization

/// Makes the chain's files of sealed segments in the background: one after the other, for each hash
/// is made of the one before, and one a turn, so that those of an old log, which has none, hold up
/// nothing else.
///
/// One that can't be made, because storage fails or a record is damaged, is tried again with the
/// next segment: it is of use to `ChainVerification` alone, and whoever reads what is damaged is
/// told.
struct ChainMaintenance {
    private struct State {
        var segments: [ChainSegment] = []
        /// How many have their files, and the chain behind them; nil before that was looked for.
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

    /// Has the files of the next segments made, where they are not there.
    func append(_ segments: [ChainSegment]) {
        guard !segments.isEmpty else { return }
        shared.state.withLock { $0.segments += segments }
        takeTurn()
    }

    /// Begins no more of them.
    func stop() { shared.state.withLock { $0.isStopped = true } }

    private func takeTurn() {
        background { [self] in
            if (try? makeNext()) == true { takeTurn() }
        }
    }

    /// Makes the file of the first segment that has none; false if all have.
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
