import Bytes
public import EventSourcing

/// A request for deliveries of a queue, answered as soon as there are any.
public struct ReceiveRequest: Codable, Hashable, Sendable {
    /// The largest number of deliveries in one answer.
    public static let maximumCount = 1000
    /// The longest time that a receive waits, in seconds. A consumer that wants to wait longer asks
    /// again.
    public static let maximumWait = 1.0

    /// The name of the queue.
    public var queue: String
    /// The consumer's name: 1 to 255 bytes that no other consumer has at the same time.
    public var consumer: String
    /// The id of this receive, chosen by the consumer.
    ///
    /// A receive that is repeated because its answer was lost has the same token and gets the same
    /// answer.
    public var token: EventID
    /// The maximum number of deliveries, from 1 to ``maximumCount``.
    public var maximum: Int
    /// The visibility timeout of the deliveries in seconds, or nil for the queue's own.
    public var visibilityTimeout: Double?
    /// How long to wait for a first delivery, in seconds, up to ``maximumWait``.
    public var wait: Double

    /// Why the request is invalid, in one line; nil if it is valid.
    public var fault: String? {
        (1...Self.maximumCount).fault(
            maximum, "a receive asks for 1 to \(Self.maximumCount) events")
            ?? (0...Self.maximumWait).fault(
                wait, "a receive waits 0 to \(Self.maximumWait) seconds")
            ?? QueueDefinition.fault(visibilityTimeout: visibilityTimeout)
            ?? BusName.fault(consumer: consumer)
    }

    /// Creates a request for deliveries.
    public init(
        queue: String, consumer: String, token: EventID, maximum: Int,
        visibilityTimeout: Double? = nil, wait: Double = maximumWait
    ) {
        self.queue = queue
        self.consumer = consumer
        self.token = token
        self.maximum = maximum
        self.visibilityTimeout = visibilityTimeout
        self.wait = wait
    }
}

/// A request to redeliver at once what is in flight to a consumer.
///
/// A consumer sends it when it stops, or when it starts again under the same name, so that no event
/// waits until its visibility timeout passes.
public struct ReleaseRequest: Codable, Hashable, Sendable {
    /// The name of the queue.
    public var queue: String
    /// The name of the consumer.
    public var consumer: String

    /// Why the request is invalid, in one line; nil if it is valid.
    public var fault: String? { BusName.fault(consumer: consumer) }

    /// Creates a request to release a consumer's deliveries.
    public init(queue: String, consumer: String) {
        self.queue = queue
        self.consumer = consumer
    }
}

/// An event that a queue delivers.
///
/// Deliveries travel in one frame. It holds their number, 4 bytes. For each delivery follow its
/// sequence, lease, times of enqueueing and first receiving, 8 bytes each, its receive count, 4
/// bytes, its rule and its replay, each after its length, 1 byte. The records come last.
public struct Delivery: Sendable {
    /// The delivered event.
    public var event: RecordedEvent
    /// The rule that sent it, or empty for a replay straight to the queue.
    public var rule: String
    /// The replay that sent it, or nil if none did.
    public var replay: String?
    /// How often it has been delivered, including this time.
    public var receiveCount: Int
    /// The time at which it was enqueued.
    public var enqueuedAt: Timestamp
    /// The time at which it was first delivered.
    public var firstReceivedAt: Timestamp
    /// The event's place in the queue.
    public var sequence: UInt64
    /// The lease of this delivery. A later delivery of the same event has another.
    public var lease: UInt64

    /// Creates a delivery.
    public init(
        event: RecordedEvent, rule: String, replay: String?, receiveCount: Int,
        enqueuedAt: Timestamp, firstReceivedAt: Timestamp, sequence: UInt64, lease: UInt64
    ) {
        self.event = event
        self.rule = rule
        self.replay = replay
        self.receiveCount = receiveCount
        self.enqueuedAt = enqueuedAt
        self.firstReceivedAt = firstReceivedAt
        self.sequence = sequence
        self.lease = lease
    }

    /// Returns the frame of the deliveries.
    ///
    /// - Throws: `invalid` if the name of a rule or a replay is too long.
    public static func frame(_ deliveries: [Delivery]) throws(ProtocolError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(deliveries.reduce(4) { $0 + 100 + $1.event.bytes.count })
        bytes.append(littleEndian: UInt32(deliveries.count))
        for delivery in deliveries {
            bytes.append(littleEndian: delivery.sequence)
            bytes.append(littleEndian: delivery.lease)
            bytes.append(littleEndian: delivery.enqueuedAt.microseconds)
            bytes.append(littleEndian: delivery.firstReceivedAt.microseconds)
            bytes.append(littleEndian: UInt32(clamping: delivery.receiveCount))
            try bytes.append(name: delivery.rule)
            try bytes.append(name: delivery.replay ?? "")
        }
        for delivery in deliveries { bytes.append(contentsOf: delivery.event.bytes) }
        return bytes
    }

    /// Returns the deliveries in a frame.
    ///
    /// - Throws: an error if the bytes are not a frame of deliveries.
    public static func read(_ frame: [UInt8]) throws -> [Delivery] {
        var reader = ByteReader(frame[...], what: "delivery")
        let count = try reader.uint32()
        var heads: [Head] = []
        // The capacity is not reserved: a malicious frame may claim any number.
        for _ in 0..<count { heads.append(try Head(&reader)) }
        let records = Array(try RecordSequence(reader.remainder))
        guard records.count == heads.count else {
            throw ProtocolError(
                .malformed, "\(heads.count) deliveries have \(records.count) records")
        }
        return zip(heads, records).map { head, record in
            Delivery(
                event: record, rule: head.rule, replay: head.replay.isEmpty ? nil : head.replay,
                receiveCount: head.receiveCount, enqueuedAt: head.enqueuedAt,
                firstReceivedAt: head.firstReceivedAt, sequence: head.sequence, lease: head.lease)
        }
    }

    private struct Head {
        let sequence: UInt64
        let lease: UInt64
        let enqueuedAt: Timestamp
        let firstReceivedAt: Timestamp
        let receiveCount: Int
        let rule: String
        let replay: String

        init(_ reader: inout ByteReader) throws(ProtocolError) {
            sequence = try reader.uint64()
            lease = try reader.uint64()
            enqueuedAt = Timestamp(microseconds: Int64(bitPattern: try reader.uint64()))
            firstReceivedAt = Timestamp(microseconds: Int64(bitPattern: try reader.uint64()))
            receiveCount = Int(try reader.uint32())
            rule = try reader.string()
            replay = try reader.string()
        }
    }
}

/// What a consumer reports about a delivery: acknowledged, failed, extended, returned or
/// unreadable.
///
/// Acknowledgements travel in one frame. It holds the length of the queue's name, 1 byte, the name,
/// and the number of acknowledgements, 4 bytes. For each of them follow its sequence and lease,
/// 8 bytes each, its verdict, 1 byte (0 for acknowledged, 1 for failed, 2 for extended, 3 for
/// returned, 4 for unreadable), its milliseconds, 4 bytes (all bits set for none), the length of
/// its error, 2 bytes, and the error.
public struct Acknowledgement: Hashable, Sendable {
    /// The result of a delivery.
    public enum Verdict: Hashable, Sendable {
        /// The consumer acknowledges the event. It is not redelivered.
        case acknowledged
        /// The consumer failed. The event is redelivered after `delay`, or after the queue's
        /// back-off if it is nil, until it reaches a limit of the retry policy.
        case failed(error: String, delay: Duration?)
        /// The consumer needs more time. The delivery stays with it for this long from now on.
        case extended(Duration)
        /// The consumer could not try. The event is redelivered at once, and the delivery does not
        /// count as a receive.
        case returned
        /// The consumer can't read the event. It becomes a dead letter at once, because no retry
        /// would help.
        case unreadable(error: String)

        /// The error of a delivery that was not handled, or nil.
        public var error: String? {
            switch self {
            case .acknowledged, .extended, .returned: nil
            case .failed(let error, _), .unreadable(let error): error
            }
        }
    }

    /// The longest error that is sent, in bytes. A longer one is cut.
    public static let errorBytes = 2000

    /// The delivery's place in the queue.
    public var sequence: UInt64
    /// The lease of the delivery.
    public var lease: UInt64
    /// The result of the delivery.
    public var verdict: Verdict

    /// Creates the report on a delivery.
    public init(sequence: UInt64, lease: UInt64, _ verdict: Verdict) {
        self.sequence = sequence
        self.lease = lease
        self.verdict = verdict
    }

    /// Why a queue rejects the verdict, in one line; nil if it does not.
    public var fault: String? {
        switch verdict {
        case .acknowledged, .returned, .unreadable: nil
        case .failed(_, let delay):
            RetryPolicy.delays.fault(
                delay?.inSeconds, "a delivery comes back after 0 to 86400 seconds")
        case .extended(let duration):
            QueueDefinition.fault(visibilityTimeout: duration.inSeconds)
        }
    }

    /// Returns the frame of the acknowledgements.
    ///
    /// - Throws: `ProtocolError` for a verdict that a queue rejects.
    public static func frame(
        _ acknowledgements: [Acknowledgement], of queue: String
    ) throws(ProtocolError) -> [UInt8] {
        try check(count: acknowledgements.count)
        for acknowledgement in acknowledgements {
            if let fault = acknowledgement.fault { throw ProtocolError(.invalid, fault) }
        }
        var bytes: [UInt8] = []
        try bytes.append(name: queue)
        bytes.append(littleEndian: UInt32(acknowledgements.count))
        for acknowledgement in acknowledgements {
            bytes.append(littleEndian: acknowledgement.sequence)
            bytes.append(littleEndian: acknowledgement.lease)
            let (kind, duration, error): (UInt8, Duration?, String) =
                switch acknowledgement.verdict {
                case .acknowledged: (0, nil, "")
                case .failed(let error, let delay): (1, delay, error)
                case .extended(let duration): (2, duration, "")
                case .returned: (3, nil, "")
                case .unreadable(let error): (4, nil, error)
                }
            bytes.append(kind)
            bytes.append(littleEndian: milliseconds(duration))
            let text = error.prefix(bytes: errorBytes)
            bytes.append(littleEndian: UInt16(text.count))
            bytes.append(contentsOf: text)
        }
        return bytes
    }

    /// The most acknowledgements in a frame: those of the largest receive. Each takes several times
    /// its bytes in memory.
    public static let maximumCount = ReceiveRequest.maximumCount

    private static func check(count: Int) throws(ProtocolError) {
        guard count <= maximumCount else {
            throw ProtocolError(
                .invalid, "a call may have \(maximumCount) acknowledgements, not \(count)")
        }
    }

    /// Returns the queue and the acknowledgements in a frame.
    ///
    /// - Throws: `malformed` if the bytes are not such a frame, and `invalid` for a verdict that a
    ///   queue rejects.
    public static func read(
        _ frame: [UInt8]
    ) throws(ProtocolError) -> (queue: String, acknowledgements: [Acknowledgement]) {
        var reader = ByteReader(frame[...], what: "acknowledgement")
        let queue = try reader.string()
        let count = Int(try reader.uint32())
        try check(count: count)
        var acknowledgements: [Acknowledgement] = []
        for _ in 0..<count {
            let (sequence, lease) = (try reader.uint64(), try reader.uint64())
            let kind = try reader.uint8()
            let duration = duration(try reader.uint32())
            let error = try reader.longString()
            let verdict: Verdict
            switch (kind, duration) {
            case (0, _): verdict = .acknowledged
            case (1, _): verdict = .failed(error: error, delay: duration)
            case (2, let duration?): verdict = .extended(duration)
            case (3, _): verdict = .returned
            case (4, _): verdict = .unreadable(error: error)
            default: throw ProtocolError(.malformed, "\(kind) is not a verdict on a delivery")
            }
            let acknowledgement = Acknowledgement(sequence: sequence, lease: lease, verdict)
            if let fault = acknowledgement.fault { throw ProtocolError(.invalid, fault) }
            acknowledgements.append(acknowledgement)
        }
        try reader.end()
        return (queue, acknowledgements)
    }

    /// Returns the duration in milliseconds, or `UInt32.max` for none.
    ///
    /// - Parameter duration: a duration that was checked by `fault`.
    private static func milliseconds(_ duration: Duration?) -> UInt32 {
        guard let duration else { return .max }
        return UInt32(clamping: duration.attoseconds / 1_000_000_000_000_000)
    }

    private static func duration(_ milliseconds: UInt32) -> Duration? {
        milliseconds == .max ? nil : .milliseconds(Int64(milliseconds))
    }
}

extension Duration {
    /// The duration in seconds.
    public var inSeconds: Double {
        // Whole seconds are exact. `components` would trap for the longest durations.
        let (seconds, rest) = attoseconds.quotientAndRemainder(
            dividingBy: 1_000_000_000_000_000_000)
        return Double(seconds) + Double(rest) / 1e18
    }
}

extension String {
    /// Returns the longest prefix of whole characters that fits into `limit` bytes.
    fileprivate func prefix(bytes limit: Int) -> Substring.UTF8View {
        var end = utf8.index(startIndex, offsetBy: limit, limitedBy: endIndex) ?? endIndex
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil {
            end = utf8.index(before: end)
        }
        return self[..<end].utf8
    }
}
