import EventSourcing

/// How a log differs from its hash chain.
public enum ChainFault: Hashable, Sendable, CustomStringConvertible {
    /// One of the events at these positions is the first that was altered.
    case altered(ClosedRange<UInt64>)
    /// The same, but shown by a trusted head alone: the chain's files are missing or match the
    /// events.
    case alteredBeforeHead(ClosedRange<UInt64>)
    /// The log ends before a trusted head, so events were removed.
    case ends(at: UInt64, before: ChainPoint)
    /// A trusted head is not of this log, but another trusted head is.
    case notOfLog(ChainPoint)
    /// The named file of the chain is damaged. The events are not: a trusted head or later links
    /// confirm them.
    case file(String)

    /// A message of one line that says what is wrong.
    public var description: String {
        switch self {
        case .altered(let positions):
            "\(Self.one(of: positions)) was altered: it is the first event that does not match "
                + "the chain"
        case .alteredBeforeHead(let positions):
            "\(Self.one(of: positions)) was altered: the chain does not reach the trusted head, "
                + "and none of its files shows where they differ first"
        case .ends(let head, let trusted):
            "position \(head + 1) was removed: the log ends before the trusted head at "
                + "\(trusted.position)"
        case .notOfLog(let head): "the trusted head \(head) is not of this log"
        case .file(let name):
            "\(name) is damaged, but the events are not; remove it, and the store rebuilds it"
        }
    }

    private static func one(of positions: ClosedRange<UInt64>) -> String {
        (positions.count == 1 ? "" : "one of ") + positions.positionText
    }
}

/// A comparison of the chain, computed from the events, with its files and with trusted heads that
/// were kept elsewhere.
///
/// The files identify the first event that was altered. But someone who can write events can write
/// files, too. Then only a trusted head shows it. The altered event lies after the last head that
/// the chain passes through, and at or before the first that it does not.
public struct ChainVerification: Sendable {
    /// The point of the chain after the last event that could be read.
    public private(set) var head: ChainPoint
    /// The number of events that match their links in the files.
    public private(set) var linked: UInt64 = 0
    /// The trusted heads that the chain passes through.
    public private(set) var passed: [ChainPoint] = []

    /// The trusted heads that the chain does not pass through.
    private var missed: [ChainPoint] = []
    /// The first trusted head after the end of the log.
    private var beyond: ChainPoint?
    private var lastRightLink: UInt64
    /// The first wrong link after the last right one. Every hash depends on all events before it,
    /// so a right link confirms them, whatever earlier links say.
    private var wrongLink: (position: UInt64, file: String)?
    private var wrongFile: String?

    /// Computes the chain up to the first event that is damaged or missing.
    ///
    /// - Parameters:
    ///   - found: the result of verifying `storage`.
    ///   - heads: the trusted heads.
    ///   - isForward: whether to start at the first trusted head instead of the start of the log.
    ///   - progress: called with the number of segments that are done, and of all.
    /// - Throws: `LogError` if storage can't be read.
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

    /// The difference that was found, or nil if all is as expected.
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
        if isSealed, file == nil, wrongFile == nil, try storage.has(name) { wrongFile = name }
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

    /// Removes the heads at the point's position from `heads`, and records whether they match.
    /// `heads` holds none before that position.
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
