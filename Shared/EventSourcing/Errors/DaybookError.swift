/// An error with one line for people and a kind for programs.
public struct DaybookError: ClassifiedError, Hashable {
    /// What a caller can do about an error.
    ///
    /// `Executable` in Shared/CommandLine translates it to an exit status, and `ProtocolError` to a
    /// code on the wire.
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// An option, an argument or an environment variable is invalid.
        case usage
        /// The input breaks a rule or a limit.
        case invalid
        /// The thing does not exist.
        case notFound
        /// The domain decided against it.
        case rejected
        /// The caller's key does not permit it.
        case denied
        /// This version of the program can't read an event.
        case unreadable
        /// A file is damaged, or belongs to another log.
        case damaged
        /// The process does not answer or can't be used now. A later attempt may succeed.
        case unavailable
        /// The process has too much to do. A later attempt may succeed.
        case overloaded
        /// A disk is full, fails or denies access.
        case storage
        /// Something failed that should not fail.
        case `internal`

        /// The kind of any error: `internal` if the error has none.
        public init(of error: any Error) {
            self = (error as? any ClassifiedError)?.kind ?? .internal
        }
    }

    /// What a caller can do about the error.
    public let kind: Kind
    /// What is wrong, with the offending value, and what would be right. One line.
    public let description: String

    /// Creates an error of a kind.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// Creates the error of input that breaks a rule or a limit.
    public static func invalid(_ description: String) -> DaybookError {
        DaybookError(.invalid, description)
    }

    /// Creates the error of an aggregate that rejects a command.
    public static func rejected(_ description: String) -> DaybookError {
        DaybookError(.rejected, description)
    }
}

/// An error that says what a caller can do about it.
public protocol ClassifiedError: Error, CustomStringConvertible {
    /// What a caller can do about the error.
    var kind: DaybookError.Kind { get }
}

extension ClassifiedError {
    /// Whether a later attempt may succeed: the process does not answer, or has too much to do.
    public var isTemporary: Bool { kind == .unavailable || kind == .overloaded }
}
