import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import JSON
import WireProtocol

/// A rule, queue, archive or replay, as the bus shows it.
protocol BusView: Codable, Sendable {
    /// What it is, such as `queue`.
    static var kind: String { get }
    /// The query that returns all of them.
    static var query: String { get }
    /// What `list` does, as an imperative.
    static var listAbstract: String { get }
    /// The columns of the table that `list` prints.
    static var columns: [Output.Column<Self>] { get }
    var name: String { get }
    /// The fields that `show` prints.
    var fields: [Output.Field] { get }
}

/// A rule or queue, whose stream in the log is the history of its changes.
protocol BusViewWithHistory: BusView {
    /// The category of the stream.
    static var category: String { get }
    /// What `show` does, as an imperative.
    static var showAbstract: String { get }
}

extension ServiceClient {
    /// Returns all things of a kind, after the bus has reached the position `atLeast`.
    func all<View: BusView>(
        _ kind: View.Type = View.self, atLeast position: UInt64? = nil
    ) async throws -> [View] {
        try await query(View.query, Nothing(), atLeast: position)
    }

    /// Sends a command with the id that the option gives, or a new one.
    func command(
        _ name: String, _ command: some Codable & Sendable, _ id: CommandIDOption
    ) async throws -> CommandReply {
        try await id.repeatable {
            try await self.command(name, command, id: $0, mayBeRepeat: $1)
        }
    }

    /// Returns the thing with this name, after the bus has reached the position `atLeast`.
    ///
    /// - Throws: `DaybookError` if it does not exist.
    func view<View: BusView>(
        of name: String, atLeast position: UInt64? = nil
    ) async throws -> View {
        let views = try await all(View.self, atLeast: position)
        guard let view = views.first(where: { $0.name == name }) else {
            throw DaybookError.unknown(View.kind, name, among: views.map(\.name))
        }
        return view
    }
}

extension Argument where Value == String {
    /// The name of a rule, queue, archive or replay.
    init<View: BusView>(nameOf kind: View.Type) {
        self.init(help: "The name of the \(View.kind).", completion: .names(of: kind))
    }
}

extension CompletionKind {
    /// The names that the bus knows. There are none if the bus does not answer, because a
    /// completion can't show an error.
    static func names<View: BusView>(of kind: View.Type) -> CompletionKind {
        .custom { (_: [String], _: Int, _: String) async -> [String] in
            guard let options = try? CallOptions.parse(["--timeout", "1"]) else { return [] }
            let views = try? await options.withBus { try await $0.all(kind) }
            return views?.map(\.name) ?? []
        }
    }
}

/// The `list` command of rules, queues, archives and replays.
struct BusList<View: BusView>: ProgramCommand {
    static var commandName: String? { "list" }
    static var abstract: String { View.listAbstract }

    @OptionGroup var options: CallOptions

    func run() async throws {
        try options.list(try await options.withBus { try await $0.all() }, View.columns)
    }
}

/// The `show` command of rules and queues.
struct BusShow<View: BusViewWithHistory>: ProgramCommand {
    static var commandName: String? { "show" }
    static var abstract: String { View.showAbstract }

    @OptionGroup var call: CallOptions
    @Argument(nameOf: View.self) var name: String
    @Flag(help: "Show who changed the \(View.kind), when and how, even if it is deleted.")
    var history = false

    func run() async throws {
        if history { return try await printHistory() }
        let view: View = try await call.view(of: name)
        try call.show(view, view.fields)
    }

    /// Prints who changed what, and when.
    ///
    /// JSON output is the events of the stream. The table for people shows only the members that
    /// each event changed.
    private func printHistory() async throws {
        let stream = try StreamName(category: View.category, id: name)
        try await call.withStore { client in
            let log = try await client.welcome().log
            let events = try await client.read(ReadRequest(.stream(stream))).events.reduce(into: [])
            { $0.append($1) }
            if events.isEmpty { _ = try await call.view(of: name) as View }
            if call.json { return try EventPrinter(log: log, json: true).print(events) }
            var definition: [String: JSONValue] = [:]
            let rows = try events.map { event in
                [
                    "\(event.position)", "\(event.time)", EventMetadata(of: event)?.actor ?? "-",
                    event.type, try Self.change(event, of: &definition),
                ]
            }
            try Output.table(["position", "time", "by", "event", "what"], rows)
        }
    }

    /// Returns the members of the event that differ from `definition`, as JSON, and updates
    /// `definition`.
    private static func change(
        _ event: RecordedEvent, of definition: inout [String: JSONValue]
    ) throws -> String {
        let members = try JSON.decode([String: JSONValue].self, from: event.data)
        let changed = members.filter { definition[$0.key] != $0.value }
        definition.merge(members) { $1 }
        guard !changed.isEmpty else { return "" }
        return try JSON.text(changed)
    }
}

extension CallOptions {
    /// Runs `body` with a client of the event store, and closes the client afterwards.
    func withStore<Result>(
        _ body: (EventStoreClient) async throws -> Result
    ) async throws -> Result {
        try await EventStoreConnection.with(endpoint, home: home, timeout: timeoutDuration, body)
    }

    /// Runs `body` with a client of the event store's bus, and closes the client afterwards.
    func withBus<Result>(_ body: (ServiceClient) async throws -> Result) async throws -> Result {
        var options = self
        options.endpoint = try await withStore { try await $0.busEndpoint() }
        return try await options.with("event-store", body)
    }

    /// Returns the rule, queue, archive or replay of this name.
    ///
    /// - Throws: `DaybookError` if it does not exist.
    func view<View: BusView>(of name: String) async throws -> View {
        try await withBus { try await $0.view(of: name) }
    }

    /// Runs `body` with a consumer of a queue and the store's welcome, and closes the consumer
    /// afterwards.
    func withConsumer<Result>(
        of queue: String, _ body: (QueueConsumer, Welcome) async throws -> Result
    ) async throws -> Result {
        try await withStore { client in
            let welcome = try await client.welcome()
            let consumer = try await client.consumer(of: queue)
            return try await closing(consumer.close) { try await body(consumer, welcome) }
        }
    }

    /// Prints one thing as JSON, or as fields for people.
    func show(_ thing: some Encodable, _ fields: [Output.Field]) throws {
        if json { try Output.json(thing) } else { try Output.fields(fields) }
    }

    /// Prints things as JSON, one per line, or as a table for people.
    func list<Thing: Encodable>(_ things: [Thing], _ columns: [Output.Column<Thing>]) throws {
        if json {
            for thing in things { try Output.json(thing) }
        } else {
            try Output.table(things, columns)
        }
    }
}

extension RepeatableCommand {
    /// Sends a command to the bus, and prints the outcome.
    ///
    /// - Parameter outcome: the outcome in words, for people.
    func sendToBus(
        _ name: String, _ message: some Codable & Sendable, _ outcome: String
    ) async throws {
        let reply = try await call.withBus { try await $0.command(name, message, commandID) }
        try Output.reply(reply, json: call.json, outcome)
    }
}
