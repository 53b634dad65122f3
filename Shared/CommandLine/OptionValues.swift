import ArgumentParser
public import EventSourcing

/// Checks a condition on the options of a command.
///
/// - Throws: `ValidationError` with the message if the condition does not hold.
public func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
    guard holds else { throw ValidationError(message()) }
}

extension Optional {
    /// Returns the value that a text on the command line was parsed to.
    ///
    /// - Throws: `ValidationError` with the message if the value is nil.
    public func orInvalid(_ message: @autoclosure () -> String) throws -> Wrapped {
        guard let self else { throw ValidationError(message()) }
        return self
    }
}

extension Timestamp {
    /// Returns the time that an option's value gives in RFC 3339.
    ///
    /// - Throws: `ValidationError` if the value is not a time.
    public static func argument(_ text: String) throws -> Timestamp {
        try Timestamp(text).orInvalid("it is not an RFC 3339 time, such as 2026-01-31T12:00:00Z")
    }
}

extension Moment {
    /// Returns the point in the log that an option's value gives as a position or time.
    ///
    /// - Throws: `ValidationError` if the value is neither.
    static func argument(_ text: String) throws -> Moment {
        try Moment(text).orInvalid(
            "it is neither a position nor an RFC 3339 time, such as 2026-01-31T12:00:00Z")
    }
}

extension EventReference {
    /// Returns the event that an argument names by id or position.
    ///
    /// - Throws: `ValidationError` if the argument is neither.
    public static func argument(_ text: String) throws -> EventReference {
        try EventReference(text).orInvalid("'\(text)' is neither an event's id nor a position")
    }
}

extension EventID {
    /// Returns the id that an option's value gives as a UUID.
    ///
    /// - Throws: `ValidationError` if the value is not a UUID.
    public static func argument(_ text: String) throws -> EventID {
        try EventID(text).orInvalid("it is not a UUID; list ids with: event-store read --json")
    }
}
