import Bytes
public import EventSourcing

// An `appendMany` has one frame. It holds for each append the length of its condition, 4 bytes, the
// condition, the length of its records, 4 bytes, and the records. The store makes or rejects each
// append on its own, in their order.
//
// The answer has one frame. It holds for each append 1 byte, 0 if it was made and 1 if it was
// rejected, the length of what follows, 4 bytes, and the body of an `appended` or of an `error`.

/// An append of an `appendMany` message.
public struct AppendPart: Hashable, Sendable {
    /// The largest number of appends in one message.
    public static let limit = 1000

    /// The encoded ``AppendCondition``, or empty for no condition.
    public var condition: [UInt8]
    /// The encoded records, one after the other.
    public var records: [UInt8]

    /// The size of both, in bytes.
    public var byteCount: Int { condition.count + records.count }

    /// Creates an append from its encoded condition and records.
    public init(condition: [UInt8], records: [UInt8]) {
        self.condition = condition
        self.records = records
    }

    /// Returns the frame of an `appendMany` message.
    public static func frame(_ parts: some Collection<AppendPart>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            parts.reduce(0) { $0 + 8 + $1.condition.count + $1.records.count })
        for part in parts {
            bytes.append(littleEndian: UInt32(part.condition.count))
            bytes.append(contentsOf: part.condition)
            bytes.append(littleEndian: UInt32(part.records.count))
            bytes.append(contentsOf: part.records)
        }
        return bytes
    }

    /// Returns the condition of each append in `frame`, and the range of its records in the frame.
    ///
    /// - Throws: `malformed` if the frame ends too early, `invalid` if it has more than ``limit``
    ///   appends.
    public static func read(
        _ frame: Span<UInt8>
    ) throws(ProtocolError) -> [(condition: [UInt8], records: Range<Int>)] {
        var parts: [(condition: [UInt8], records: Range<Int>)] = []
        var at = 0
        func next() throws(ProtocolError) -> Range<Int> {
            guard frame.count - at >= 4 else { throw Self.cutShort }
            let start = at + 4
            let count = Int(frame.uint32(at: at))
            guard frame.count - start >= count else { throw Self.cutShort }
            at = start + count
            return start..<at
        }
        while at < frame.count {
            var condition: [UInt8] = []
            for index in try next() { condition.append(frame[index]) }
            parts.append((condition, try next()))
            guard parts.count <= limit else {
                throw ProtocolError(.invalid, "a message has up to \(limit) appends")
            }
        }
        return parts
    }

    private static var cutShort: ProtocolError {
        ProtocolError(.malformed, "the frame of the appends ends too early")
    }
}

/// The answers to the appends of an `appendMany` message.
public enum AppendOutcomes {
    /// Adds the answer to one append to `frame`.
    public static func add(_ outcome: Result<Appended, ProtocolError>, to frame: inout [UInt8]) {
        let (kind, body): (UInt8, [UInt8]) =
            switch outcome {
            case .success(let appended): (0, appended.bytes)
            case .failure(let error): (1, error.bytes)
            }
        frame.append(kind)
        frame.append(littleEndian: UInt32(body.count))
        frame.append(contentsOf: body)
    }

    /// Returns the answers in `frame`, in the order of the appends.
    ///
    /// - Throws: `malformed` if the frame ends too early.
    public static func read(
        _ frame: Span<UInt8>
    ) throws(ProtocolError) -> [Result<Appended, ProtocolError>] {
        var outcomes: [Result<Appended, ProtocolError>] = []
        var at = 0
        while at < frame.count {
            guard frame.count - at >= 5, frame.count - at - 5 >= Int(frame.uint32(at: at + 1))
            else {
                throw ProtocolError(.malformed, "the answer to appends ends too early")
            }
            let start = at + 5
            let body = frame.extracting(start..<start + Int(frame.uint32(at: at + 1)))
            outcomes.append(
                frame[at] == 0 ? .success(try Appended(body)) : .failure(ProtocolError(body)))
            at = start + body.count
        }
        return outcomes
    }
}
