public import EventSourcing
public import Foundation
public import JSON

// The arguments and answers of a service's calls, in JSON. The call of a command has the command's
// name. The call of a query has the name of what it shows. docs/protocol.md lists the frames.

/// A command as it is sent to a service.
public struct CommandRequest<Command: Codable & Sendable>: Codable, Sendable {
    /// The id that the caller chose. A command takes effect once, however often it is sent.
    public var id: EventID
    /// The number of the attempt, from 1. It is above 1 if an earlier attempt got no answer.
    public var attempt: Int
    /// Who gives the command, such as a person and host.
    public var actor: String
    /// The correlation id of the conversation that the command belongs to, or nil to start one.
    public var correlationID: EventID?
    /// The trace that the command is part of, or nil. The metadata of its events contains it.
    public var traceparent: TraceParent?
    /// The time until which the caller waits for an answer, by its clock, or nil if it does not
    /// say. Each attempt has the same one.
    ///
    /// The service does not carry out the command when its own clock is past it.
    public var deadline: Timestamp?
    /// The command.
    public var command: Command

    /// Creates a request.
    public init(
        id: EventID, attempt: Int, actor: String, correlationID: EventID? = nil,
        traceparent: TraceParent? = nil, deadline: Timestamp? = nil, command: Command
    ) {
        self.id = id
        self.attempt = attempt
        self.actor = actor
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.deadline = deadline
        self.command = command
    }

    /// Returns the cause of the command's events.
    ///
    /// - Parameters:
    ///   - name: the name of the command.
    ///   - service: the name of the service that carries it out.
    ///   - caller: the sender, whose key becomes part of the actor.
    public func cause(
        of name: String, at service: String, from caller: Caller
    ) throws -> Cause {
        Cause(
            correlationID: correlationID ?? id, causationID: .none, key: id,
            actor: caller.actor(actor), traceparent: traceparent, mayBeRepeat: attempt > 1,
            digest: try CommandDigest.text(of: command, named: name, at: service),
            deadline: deadline)
    }
}

extension Cause {
    /// Throws `expired` if the caller no longer waits at `time`, the time of the service's clock.
    public func checkDeadline(at time: Timestamp) throws(ProtocolError) {
        guard let deadline, time >= deadline else { return }
        throw ProtocolError(
            .expired,
            "the caller of the command waited until \(deadline), and the service's clock shows "
                + "\(time), so this attempt did nothing; if the caller still waits, the clocks of "
                + "the two machines differ")
    }
}

/// The outcome of a command that was not rejected.
public enum Outcome: Sendable, Hashable {
    /// The command appended events of these types.
    case appended(Appended, types: [String])
    /// An earlier attempt of the command appended events of these types. The last is at this
    /// position.
    case repeated(position: UInt64, types: [String])
    /// The command had nothing to do.
    case nothing
}

/// The answer to a command.
public struct CommandReply: Codable, Hashable, Sendable {
    /// The outcome of a command, without its events. See ``Outcome``.
    public enum Result: String, Codable, Sendable { case appended, repeated, nothing }

    /// The outcome of the command.
    public var result: Result
    /// The position of the command's last event, or nil if it had nothing to do.
    ///
    /// A query whose `atLeast` is this position includes the command's effect.
    public var position: UInt64?
    /// The correlation id of the conversation.
    public var correlationID: EventID
    /// The types of the events that the command appended, now or at an earlier attempt.
    ///
    /// Earlier versions return none for an earlier attempt.
    public var events: [String]

    /// Creates the answer for an outcome.
    public init(_ outcome: Outcome, correlationID: EventID) {
        self.correlationID = correlationID
        switch outcome {
        case .appended(let appended, let types):
            (result, position, events) = (.appended, appended.last, types)
        case .repeated(let position, let types):
            (result, self.position, events) = (.repeated, position, types)
        case .nothing:
            (result, position, events) = (.nothing, nil, [])
        }
    }
}

/// A query as it is sent to a service.
public struct QueryRequest<Query: Codable & Sendable>: Codable, Sendable {
    /// The position up to which the answer must include the log, or nil for any.
    public var atLeast: UInt64?
    /// The point in the log that the answer describes, or nil for now.
    public var asOf: Moment?
    /// The event that the answer, a ``Hypothetical``, leaves out, or nil.
    public var without: EventReference?
    /// The id of the query, the same in each attempt, or nil.
    ///
    /// A repeated query about the past waits for the answer that is being computed.
    public var id: EventID?
    /// How long the caller waits, in seconds, or nil if it does not say.
    ///
    /// After that, the service stops computing an answer about the past.
    public var timeout: Double?
    /// Whether the caller understands a second frame of the result with ``AnswerMarks``. Nil for
    /// no: callers of earlier versions may expect one frame.
    public var marks: Bool?
    /// The query.
    public var query: Query

    /// Creates a request.
    public init(
        atLeast: UInt64? = nil, asOf: Moment? = nil, without: EventReference? = nil,
        id: EventID? = nil, timeout: Double? = nil, marks: Bool? = nil, query: Query
    ) {
        self.atLeast = atLeast
        self.asOf = asOf
        self.without = without
        self.id = id
        self.timeout = timeout
        self.marks = marks
        self.query = query
    }

    /// Returns the position up to which the answer must include the log.
    ///
    /// - Throws: `invalid` for a position that no event can have, because the service would wait
    ///   for it forever.
    public func position() throws(ProtocolError) -> UInt64 {
        let position = atLeast ?? 0
        guard position <= Int64.max else {
            throw ProtocolError(.invalid, "atLeast must be 0 to \(Int64.max), not \(position)")
        }
        return position
    }
}

/// The argument of a call that needs no argument.
public struct Nothing: Codable, Hashable, Sendable {
    /// Creates the argument.
    public init() {}
}

extension Limits {
    /// Checks the size of a call's argument.
    ///
    /// - Throws: `invalid` if it is longer than `maximum` bytes.
    public static func check(
        argumentBytes count: Int, atMost maximum: Int = argumentBytes
    ) throws(ProtocolError) {
        guard count > maximum else { return }
        throw ProtocolError(.invalid, "the argument has \(count) bytes; it may have \(maximum)")
    }
}

extension JSON {
    /// Returns the argument of a call, decoded from JSON.
    ///
    /// - Parameter maximumBytes: how long the argument may be, because a process does nothing else
    ///   while it decodes it.
    /// - Throws: `invalid`, with what is wrong with the argument.
    public static func argument<Value: Decodable>(
        _ type: Value.Type, _ data: Data, maximumBytes: Int = Limits.argumentBytes
    ) throws -> Value {
        try Limits.check(argumentBytes: data.count, atMost: maximumBytes)
        do {
            return try decode(type, from: data)
        } catch let error as DecodingError {
            throw ProtocolError(.invalid, "the argument is not a \(type): \(error.oneLine)")
        } catch let error as DaybookError {
            throw ProtocolError(.invalid, "the argument is not a \(type): \(error)")
        }
    }
}
