import WireProtocol

/// The leases that a verdict ended lately. A repeated verdict gets the first answer. A failure with
/// another delay is another verdict, because its delay does not take effect.
///
/// A client repeats an acknowledgement whose answer is late or lost. Without this memory the
/// answer would be that the acknowledgement came too late. The memory ends with the process.
struct EndedLeases {
    /// How a lease ended.
    struct End: Equatable {
        let sequence: UInt64
        let lease: UInt64
        /// The verdict, without the text of an error.
        let verdict: Acknowledgement.Verdict

        /// Nil if the verdict does not end the lease.
        init?(_ acknowledgement: Acknowledgement) {
            switch acknowledgement.verdict {
            case .acknowledged, .returned: verdict = acknowledgement.verdict
            case .failed(_, let delay): verdict = .failed(error: "", delay: delay)
            case .unreadable: verdict = .unreadable(error: "")
            case .extended: return nil
            }
            (sequence, lease) = (acknowledgement.sequence, acknowledgement.lease)
        }
    }

    /// Several times as many as one message acknowledges.
    private static let limit: UInt64 = 16_384
    /// By the lease's number modulo `limit`. Numbers ascend, so a new lease replaces an old one.
    private var ends: [End?] = []

    mutating func insert(_ end: End) {
        let place = Self.place(of: end)
        while place >= ends.count { ends.append(nil) }
        if let kept = ends[place], kept.lease > end.lease { return }
        ends[place] = end
    }

    func contains(_ end: End) -> Bool {
        let place = Self.place(of: end)
        return place < ends.count && ends[place] == end
    }

    private static func place(of end: End) -> Int { Int(end.lease % limit) }
}
