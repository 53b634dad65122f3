import Bytes
public import EventSourcing

/// An error as it travels: a code, a number that belongs to it, and one line of text.
///
///     offset size
///          0    2  code
///          2    6  zero
///          8    8  detail
///         16       message, UTF-8
public struct ProtocolError: ClassifiedError, Hashable, Sendable {
    /// The kind of an error. Codes unknown to this build are kept.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code's number on the wire.
        public let rawValue: UInt16
        /// Creates the code of this number.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The bytes of a message do not follow the protocol.
        public static let malformed = Code(rawValue: 1)
        /// Client and process have no protocol version in common. Detail: the highest that the
        /// process speaks.
        public static let version = Code(rawValue: 2)
        /// A name, an event or an argument breaks a rule or a limit. Nothing was changed.
        public static let invalid = Code(rawValue: 3)
        /// The named thing does not exist.
        public static let notFound = Code(rawValue: 4)
        /// A stream is not at the revision that the append expects. Detail: its revision + 1, or 0
        /// for no stream.
        public static let wrongRevision = Code(rawValue: 10)
        /// An event matches the `none matching` condition of an append. Detail: its position.
        public static let conditionFailed = Code(rawValue: 11)
        /// The log has an event with the same id and other content, or one that another command
        /// with the same id has caused, or only some of the append's events. Detail: its position.
        public static let idReused = Code(rawValue: 12)
        /// The domain rejects the command.
        public static let rejected = Code(rawValue: 20)
        /// The caller's key does not permit the operation.
        public static let denied = Code(rawValue: 21)
        /// The process has too much to do. Retry later.
        public static let overloaded = Code(rawValue: 30)
        /// The process is stopping, or can't reach something it needs. Retry later.
        public static let unavailable = Code(rawValue: 31)
        /// A record of the log is damaged. Detail: its position.
        public static let damaged = Code(rawValue: 32)
        /// The process failed because of an internal error.
        public static let `internal` = Code(rawValue: 33)
        /// The caller of the command no longer waits for it. This attempt did nothing.
        public static let expired = Code(rawValue: 34)
        /// An event that the answer depends on can't be read. A retry does not help.
        public static let unreadable = Code(rawValue: 35)
    }

    /// The kind of the error.
    public var code: Code
    /// The number that belongs to the code, or 0.
    public var detail: UInt64
    /// The error in one line, for people.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, detail: UInt64 = 0, _ message: String) {
        self.code = code
        self.detail = detail
        self.message = message
    }

    /// Reads an error. Bytes that are too short become the error `malformed`.
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

    /// The error as it travels.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: code.rawValue)
        bytes.append(contentsOf: repeatElement(0, count: 6))
        bytes.append(littleEndian: detail)
        bytes.append(contentsOf: message.utf8)
        return bytes
    }

    /// The message.
    public var description: String { message }

    /// Returns the error for a message of a protocol version that this process does not speak.
    public static func otherVersion(_ version: UInt8) -> ProtocolError {
        ProtocolError(
            .version, detail: UInt64(MessageHeader.version),
            "this process speaks protocol version \(MessageHeader.version), not \(version)")
    }
}

extension ProtocolError.Code: CustomStringConvertible {
    /// The codes that this build knows: their names in the protocol, and what a caller can do.
    private static let known: [Self: (name: String, kind: DaybookError.Kind)] = [
        .malformed: ("malformed", .internal),
        .version: ("version", .internal),
        .invalid: ("invalid", .invalid),
        .notFound: ("notFound", .notFound),
        .wrongRevision: ("wrongRevision", .rejected),
        .conditionFailed: ("conditionFailed", .rejected),
        .idReused: ("idReused", .rejected),
        .rejected: ("refused", .rejected),
        .denied: ("forbidden", .denied),
        .overloaded: ("overloaded", .overloaded),
        .unavailable: ("unavailable", .unavailable),
        .damaged: ("damaged", .damaged),
        .internal: ("internal", .internal),
        .expired: ("expired", .unavailable),
        .unreadable: ("unreadable", .unreadable),
    ]

    /// The code's name in the protocol, or its number if it has none.
    public var description: String { Self.known[self]?.name ?? "\(rawValue)" }

    /// What a caller can do. The code of a later version counts as a rejection.
    fileprivate var kind: DaybookError.Kind { Self.known[self]?.kind ?? .rejected }
}

extension ProtocolError {
    /// What a caller can do about the error.
    public var kind: DaybookError.Kind { code.kind }

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
            case .rejected: .rejected
            case .denied: .denied
            case .damaged: .damaged
            case .unavailable: .unavailable
            case .unreadable: .unreadable
            case .overloaded: .overloaded
            case .storage, .internal: .internal
            }
    }
}
