import EventSourcing

/// How a log is not what its chain says.
public enum ChainFault: Error, Hashable, CustomStringConvertible {
    /// The first event that was altered is at one of the positions.
    case altered(ClosedRange<UInt64>)
    /// The same, by a trusted head alone: there are no files, or they say what the events do.
    case alteredBeforeHead(ClosedRange<UInt64>)
    /// The log ends before a trusted head.
    case ends(at: UInt64, before: ChainPoint)
    /// The head is none of this log, to which another trusted one belongs.
    case notOfLog(ChainPoint)
    /// The events are what a trusted head, or what follows in the chain's files, says: the file is
    /// not.
    case file(String)

    public var description: String {
        switch self {
        case .altered(let positions):
            "\(Self.one(of: positions)) was altered: it is the first event that is not what the "
                + "chain was made of"
        case .alteredBeforeHead(let positions):
            "\(Self.one(of: positions)) was altered: the chain does not come to the trusted head, "
                + "and no file of it says where it left"
        case .ends(let head, let trusted):
            "position \(head + 1) was removed: the log ends before the trusted head at "
                + "\(trusted.position)"
        case .notOfLog(let head): "the trusted head \(head) is none of this log"
        case .file(let name):
            "\(name) is damaged, and the events are not; remove it, and it is made again"
        }
    }

    private static func one(of positions: ClosedRange<UInt64>) -> String {
        (positions.count == 1 ? "" : "one of ") + positions.positionText
    }
}

/// What a log's chain, computed from its events, has been compared with: its files, and heads that
/// somebody has kept elsewhere.
///
/// The files name the first event that was altered. But who can write events can write files: then
/// only a trusted head tells, and that the event lies behind the last one that the chain passes
/// through, up to the first that it does not.
public struct ChainVerification: Sendable {
    /// The chain behind the last event that could be read.
    public private(set) var head: ChainPoint
    /// How many events are what their links in the files say.
    public private(set) var linked: UInt64 = 0
    /// The trusted heads that the chain passes through.
    public private(set) var passed: [ChainPoint] = []

    /// The trusted heads that the chain does not pass through.
    private var missed: [ChainPoint] = []
    /// The first trusted head behind the end of the log.
    private var beyond: ChainPoint?
    private var lastRightLink: UInt64
    /// The first behind the last that is right: every hash depends on all events before it, so that
    /// a link that is right vouches for them, whatever others say.
    private var wrongLink: (position: UInt64, file: String)?
    private var wrongFile: String?

    /// Computes the chain up to the first event that is damaged or not there, if one is.
    ///
    /// - Parameters:
    ///   - found: what `LogVerification` has found in `storage`.
    ///   - heads: those that are trusted.
    ///   - isForward: whether to begin behind the first of them, and not at the beginning.
    ///   - progress: is told the number of segments that are done, and of all.
    /// - Throws: when storage can't be read.
    public init(
        of storage: any LogStorage, _ found: LogVerification, heads: [ChainPoint] = [],
        isForward: Bool = false, progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
    ) throws(LogError) {
        var heads = heads.sorted { $0.position < $1.position }[...]
        let log = found.log ?? .none
        let start = isForward ? heads.first : nil
        head = start ?? ChainPoint(startOf: log)
        lastRightLink = head.position
        compare(head, with: &heads)
        for (number, extent) in found.extents.enumerated() {
            guard let base = extent.base, base <= head.position + 1 else { break }
            let segment = ChainSegment(base: base, next: extent.next)
            let isSealed = number < found.extents.count - 1
            if segment.next > head.position + 1 {
                try check(segment, isSealed: isSealed, log, &heads, in: storage)
            }
            progress(number + 1, found.extents.count)
            guard extent.isWhole else { break }
        }
        let isAll = head.position == found.head && found.extents.allSatisfy(\.isWhole)
        if isAll { beyond = heads.first }
    }

    /// What is wrong; nil if nothing is.
    public var fault: ChainFault? {
        let trusted = passed.last?.position ?? 0
        if let missed = missed.first(where: { $0.position <= trusted }) { return .notOfLog(missed) }
        let low = max(lastRightLink, trusted) + 1
        let wrong = wrongLink.flatMap { $0.position > trusted ? $0.position : nil }
        if let missed = missed.first?.position {
            guard let wrong, wrong <= missed else {
                return .alteredBeforeHead(trusted + 1...missed)
            }
            return .altered(low...wrong)
        }
        if let wrong { return .altered(low...wrong) }
        if let beyond { return .ends(at: head.position, before: beyond) }
        return (wrongFile ?? wrongLink?.file).map { .file($0) }
    }

    private mutating func check(
        _ segment: ChainSegment, isSealed: Bool, _ log: EventID,
        _ heads: inout ArraySlice<ChainPoint>, in storage: any LogStorage
    ) throws(LogError) {
        let name = ChainFile.name(base: segment.base)
        let file = isSealed ? try ChainFile(segment, log: log, in: storage) : nil
        if isSealed, wrongFile == nil, try ChainFile.isDamaged(segment, log: log, in: storage) {
            wrongFile = name
        }
        let links = file?.links
        var fold = ChainFold(after: head)
        try fold.add(segment, in: storage) { point in
            head = point
            compare(point, with: &heads)
            guard let file, let links else { return }
            let isRight =
                links[Int(point.position - segment.base)] == point.hash.link
                && (point.position + 1 < segment.next || file.end == point)
            note(isRight, at: point.position, in: name)
        }
    }

    /// Takes the heads at the point from `heads`, which has none before it.
    private mutating func compare(_ point: ChainPoint, with heads: inout ArraySlice<ChainPoint>) {
        while let next = heads.first, next.position == point.position {
            heads.removeFirst()
            if next == point { passed.append(next) } else { missed.append(next) }
        }
    }

    private mutating func note(_ isRight: Bool, at position: UInt64, in file: String) {
        guard isRight else {
            if wrongLink == nil { wrongLink = (position, file) }
            return
        }
        if let wrongLink, wrongFile == nil { wrongFile = wrongLink.file }
        wrongLink = nil
        lastRightLink = position
        linked += 1
    }
}
