public import EventSourcing
public import EventStoreClient
import WireProtocol

extension Wiring {
    /// The outcome for one queue or rule of the file.
    public struct Outcome: Encodable {
        /// The kind of the definition.
        public enum Kind: String, Encodable { case queue, rule }
        /// How the definition changed.
        public enum Result: String, Encodable { case created, changed, unchanged }

        /// Whether this is a queue or a rule.
        public let kind: Kind
        /// The name of the queue or rule.
        public let name: String
        /// How the queue or rule changed.
        public let result: Result
    }

    /// Creates and changes the queues and rules that differ from the file, queues first.
    ///
    /// - Parameters:
    ///   - id: the id that those of the commands derive from.
    ///   - mayBeRepeat: whether an earlier call may have had the same id.
    ///   - report: called with the outcome for each.
    /// - Throws: `invalid` if the file contradicts the existing queues. Then nothing is
    ///   changed.
    public func apply(
        to bus: ServiceClient, _ id: EventID = .random(), mayBeRepeat: Bool = false,
        _ report: (Outcome) throws -> Void
    ) async throws {
        let existingQueues = try await bus.query(BusCall.queues, Nothing(), as: [QueueView].self)
            .map(\.queue)
        let existingRules = try await bus.query(BusCall.rules, Nothing(), as: [RuleView].self)
            .map(\.rule)
        try check(against: existingQueues)
        let command = (id: id, mayBeRepeat: mayBeRepeat)
        for queue in queues {
            let existing = existingQueues.first { $0.name == queue.name }
            try report(try await bus.put(.queue, queue.name, queue, over: existing, command))
        }
        for rule in rules {
            let existing = existingRules.first { $0.name == rule.name }
            try report(try await bus.put(.rule, rule.name, rule, over: existing, command))
        }
    }

    /// Creates the queues and rules that the log has never had. Those that an operator has changed
    /// or deleted stay so.
    ///
    /// - Parameters:
    ///   - store: a client of the event store. This waits for its bus.
    ///   - report: called with a line for each that is created, and for each that the bus rejects,
    ///     such as a rule for a queue that an operator has deleted.
    public func defineNew(
        in store: EventStoreClient, actor: String, _ report: (String) -> Void
    ) async throws {
        let bus = try await ServiceClient(
            endpoint: try await store.busEndpoint(), of: "event-store", timeout: .seconds(30),
            actor: actor)
        try await closing(bus.close) {
            for queue in queues where try await store.isEmpty(BusCategory.queue, queue.name) {
                report(try await bus.define("queue \(queue.name)", BusCall.putQueue, queue))
            }
            for rule in rules where try await store.isEmpty(BusCategory.rule, rule.name) {
                report(try await bus.define("rule \(rule.name)", BusCall.putRule, rule))
            }
        }
    }
}

extension ServiceClient {
    /// Sends a definition to the bus if it differs from the existing one.
    ///
    /// - Parameter command: the id that the command's own derives from, and whether an earlier call
    ///   may have sent it.
    fileprivate func put<Definition: Codable & Equatable & Sendable>(
        _ kind: Wiring.Outcome.Kind, _ name: String, _ definition: Definition,
        over existing: Definition?, _ command: (id: EventID, mayBeRepeat: Bool)
    ) async throws -> Wiring.Outcome {
        guard definition != existing else {
            return Wiring.Outcome(kind: kind, name: name, result: .unchanged)
        }
        let reply = try await self.command(
            kind == .queue ? BusCall.putQueue : BusCall.putRule, definition,
            id: command.id.derived("\(kind)/\(name)"), mayBeRepeat: command.mayBeRepeat)
        // Somebody has changed the definition since an earlier call sent this command.
        let isOld = command.mayBeRepeat && reply.result == .repeated
        return Wiring.Outcome(
            kind: kind, name: name,
            result: isOld ? .unchanged : existing == nil ? .created : .changed)
    }

    /// Sends a definition to the bus, and returns a line with the outcome.
    fileprivate func define(
        _ what: String, _ call: String, _ definition: some Codable & Sendable
    ) async throws -> String {
        do {
            _ = try await command(call, definition)
            return "created \(what)"
        } catch let error as ProtocolError {
            return "can't create \(what): \(error)"
        }
    }
}

extension EventStoreClient {
    fileprivate func isEmpty(_ category: String, _ name: String) async throws -> Bool {
        let stream = try StreamName(category: category, id: name)
        var isEmpty = true
        try await read(ReadRequest(.stream(stream), limit: 1)) { isEmpty = isEmpty && $0.isEmpty }
        return isEmpty
    }
}
