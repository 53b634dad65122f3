public import EventSourcing
public import Foundation
public import JSON

// The arguments and answers of a service's calls, in JSON. A command's call is named after the
// command, a query's after what it shows; docs/protocol.md lists the frames around them.

/// A command on its way to a service.
public struct CommandRequest<Command: Codable & Sendable>: Codable, Sendable {
    /// Chosen by the caller. However often it is sent, a command of one id takes effect once.
    public var id: EventID
    /// Counts from 1; higher when the answer to an earlier attempt was lost.
    public var attempt: Int
    public var actor: String
    /// The conversation that the command goes on with, if it does not start one.
    public var correlationID: EventID?
    /// The trace that the command is part of; its events have it in their metadata.
    public var traceparent: TraceParent?
    public var command: Command

    public init(
        id: EventID, attempt: Int, actor: String, correlationID: EventID? = nil,
        traceparent: TraceParent? = nil, command: Command
    ) {
        self.id = id
        self.attempt = attempt
        self.actor = actor
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.command = command
    }

    public func cause(from caller: Caller) -> Cause {
        Cause(
            correlationID: correlationID ?? id, causationID: .none, key: id,
            actor: caller.actor(actor), traceparent: traceparent, mayBeRepeat: attempt > 1)
    }
}

/// What a command came to.
public enum Outcome: Sendable, Hashable {
    /// Its events are in the log.
    case appended(Appended, types: [String])
    /// They were in the log already, brought about by an earlier attempt of the same command.
    case repeated(position: UInt64)
    /// There was nothing to do.
    case nothing
}

/// The answer to a command.
public struct CommandReply: Codable, Hashable, Sendable {
    public enum Result: String, Codable, Sendable { case appended, repeated, nothing }

    public var result: Result
    /// The position of the command's last event; a query can be asked to have seen it.
    public var position: UInt64?
    public var correlationID: EventID
    /// The types of the events appended.
    public var events: [String]

    public init(_ outcome: Outcome, correlationID: EventID) {
        self.correlationID = correlationID
        switch outcome {
        case .appended(let appended, let types):
            (result, position, events) = (.appended, appended.last, types)
        case .repeated(let position):
            (result, self.position, events) = (.repeated, position, [])
        case .nothing:
            (result, position, events) = (.nothing, nil, [])
        }
    }
}

/// A question to a service.
public struct QueryRequest<Query: Codable & Sendable>: Codable, Sendable {
    /// The answer must know every event up to this position.
    public var atLeast: UInt64?
    /// The answer is to be what was true then; nil for now. Of what a service shows of the log.
    public var asOf: Moment?
    /// The answer is to be a ``Hypothetical``: as if the event of this id had not happened.
    public var without: EventID?
    public var query: Query

    public init(
        atLeast: UInt64? = nil, asOf: Moment? = nil, without: EventID? = nil, query: Query
    ) {
        self.atLeast = atLeast
        self.asOf = asOf
        self.without = without
        self.query = query
    }

    /// Returns the position up to which the answer must include the log.
    ///
    /// - Throws: `ProtocolError` for a position that no event can have: the answer would never
    ///   come.
    public func position() throws(ProtocolError) -> UInt64 {
        let position = atLeast ?? 0
        guard position <= Int64.max else {
            throw ProtocolError(.invalid, "atLeast is 0 to \(Int64.max), not \(position)")
        }
        return position
    }
}

/// The argument of a call that needs none.
public struct Nothing: Codable, Hashable, Sendable {
    public init() {}
}

extension JSON {
    /// Reads the argument of a call.
    ///
    /// - Throws: `ProtocolError` that says what is wrong with the argument.
    public static func argument<Value: Decodable>(_ type: Value.Type, _ data: Data) throws -> Value {
        do {
            return try decode(type, from: data)
        } catch let error as DecodingError {
            throw ProtocolError(.invalid, "the argument is not a \(type): \(error.oneLine)")
        } catch let error as DaybookError {
            throw ProtocolError(.invalid, "the argument is not a \(type): \(error)")
        }
    }
}
