import Bytes
public import EventSourcing

/// A refusal, as it travels: a code, the figure that goes with it, and one line for people.
///
///     offset size
///          0    2  code
///          2    6  zero
///          8    8  detail
///         16       message, UTF-8
public struct ProtocolError: ClassifiedError, Hashable, Sendable {
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The bytes of a message do not follow the protocol.
        public static let malformed = Code(rawValue: 1)
        /// No protocol version is common to both. Detail: the highest that the process speaks.
        public static let version = Code(rawValue: 2)
        /// A name, an event or an argument breaks a rule or a limit. Nothing was changed.
        public static let invalid = Code(rawValue: 3)
        /// There is no such thing.
        public static let notFound = Code(rawValue: 4)
        /// A stream is not where the append expects it. Detail: revision + 1, or 0 for no stream.
        public static let wrongRevision = Code(rawValue: 10)
        /// An event matches what none should. Detail: its position.
        public static let conditionFailed = Code(rawValue: 11)
        /// An event id is in the log with other content. Detail: its position.
        public static let idReused = Code(rawValue: 12)
        /// A decision of the domain: the command is refused.
        public static let refused = Code(rawValue: 20)
        /// The key of who asks does not allow it.
        public static let forbidden = Code(rawValue: 21)
        /// The process has more to do than it takes; try again later.
        public static let overloaded = Code(rawValue: 30)
        /// The process is stopping or cannot reach what it needs; try again later.
        public static let unavailable = Code(rawValue: 31)
        /// A record of the log is damaged. Detail: its position.
        public static let damaged = Code(rawValue: 32)
        /// The process failed at something it should not fail at.
        public static let `internal` = Code(rawValue: 33)
    }

    public var code: Code
    public var detail: UInt64
    public var message: String

    public init(_ code: Code, detail: UInt64 = 0, _ message: String) {
        self.code = code
        self.detail = detail
        self.message = message
    }

    public init(_ bytes: Span<UInt8>) {
        guard bytes.count >= 16 else {
            self.init(.malformed, "an error came without its code")
            return
        }
        var text: [UInt8] = []
        for index in 16..<bytes.count { text.append(bytes[index]) }
        self.init(
            Code(rawValue: bytes.uint16(at: 0)), detail: bytes.uint64(at: 8),
            String(decoding: text, as: UTF8.self))
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: code.rawValue)
        bytes.append(contentsOf: repeatElement(0, count: 6))
        bytes.append(littleEndian: detail)
        bytes.append(contentsOf: message.utf8)
        return bytes
    }

    public var description: String { message }

    /// The refusal of a message of another protocol version than this process speaks.
    public static func otherVersion(_ version: UInt8) -> ProtocolError {
        ProtocolError(
            .version, detail: UInt64(MessageHeader.version),
            "this process speaks protocol version \(MessageHeader.version), not \(version)")
    }
}

extension ProtocolError.Code: CustomStringConvertible {
    /// By its name in the protocol, or by its number if it has none.
    public var description: String {
        switch self {
        case .malformed: "malformed"
        case .version: "version"
        case .invalid: "invalid"
        case .notFound: "notFound"
        case .wrongRevision: "wrongRevision"
        case .conditionFailed: "conditionFailed"
        case .idReused: "idReused"
        case .refused: "refused"
        case .forbidden: "forbidden"
        case .overloaded: "overloaded"
        case .unavailable: "unavailable"
        case .damaged: "damaged"
        case .internal: "internal"
        default: "\(rawValue)"
        }
    }
}

extension ProtocolError {
    /// What a caller can do about the error.
    public var kind: DaybookError.Kind {
        switch code {
        case .invalid: .invalid
        case .notFound: .notFound
        case .forbidden: .denied
        case .overloaded: .overloaded
        case .unavailable: .unavailable
        case .damaged: .damaged
        case .malformed, .version, .internal: .internal
        // Also the codes of later versions: the server decided against the request.
        default: .rejected
        }
    }

    /// The error that a server answers when it fails with `error`.
    public init(describing error: any Error) {
        switch error {
        case let error as ProtocolError: self = error
        case is CancellationError: self.init(.unavailable, "the process is stopping; try again")
        default: self.init(Code(DaybookError.Kind(of: error)), "\(error)")
        }
    }
}

extension ProtocolError.Code {
    fileprivate init(_ kind: DaybookError.Kind) {
        self =
            switch kind {
            case .usage, .invalid: .invalid
            case .notFound: .notFound
            case .rejected: .refused
            case .denied: .forbidden
            case .damaged: .damaged
            case .unavailable, .unreadable: .unavailable
            case .overloaded: .overloaded
            case .storage, .internal: .internal
            }
    }
}
