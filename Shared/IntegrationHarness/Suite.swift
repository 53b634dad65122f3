public import EventSourcing
public import EventStoreClient
public import Foundation
import JSON
import Observability
public import WireProtocol
public import ZeroMQ

/// The suite's real processes in a temporary folder of their own, to be driven, stopped, killed and
/// started again by a test. When the suite is released, its processes are killed and its folder is
/// removed. If DAYBOOK_KEEP_HOMES is set, the folder is kept for inspection.
public final class Suite {
    public static let services = [
        "orders", "route", "balance", "creditLimit", "withdraw", "credit",
    ]

    /// The file of the queues and rules that wire the suite's saga: for `--rules`.
    public static let rules = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Services/rules.json").standardizedFileURL.path

    /// The folder that holds the state: `DAYBOOK_HOME` of every process.
    public let home: String
    /// What processes that are started from now on find in their environment, beside DAYBOOK_HOME.
    /// Small segments save time: a store creates a segment's file before it needs it.
    public var environment = ["DAYBOOK_SEGMENT_SIZE": "16"]
    /// The working folder of processes started from now on. If nil, they use the test's own.
    public var workingFolder: URL?
    private let executables: URL
    let loop = SocketLoop(name: "test")
    private(set) var context: Context
    private var processes: [String: Process] = [:]

    /// - Parameter executables: where the executables are; the folder of the running tests, if not
    ///   given.
    public init(executables: URL? = nil) throws {
        // Short, for an ipc endpoint may have 107 bytes.
        home = "/tmp/daybook-\(UUID().uuidString.prefix(8))"
        self.executables =
            executables ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        context = try Context()
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    }

    deinit {
        for (name, process) in processes {
            if process.isRunning {
                _ = Foundation.kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            } else {
                // Its log is gone with this; a test that fails for want of it could not tell why.
                let text =
                    "\(name) had ended, with status \(process.terminationStatus):\n\(log(of: name))"
                FileHandle.standardError.tell(text)
            }
        }
        guard ProcessInfo.processInfo.environment["DAYBOOK_KEEP_HOMES"] == nil else { return }
        try? FileManager.default.removeItem(atPath: home)
    }

    /// Starts the event store, with the suite's rules, and all services; returns when each answers,
    /// and the rules are made.
    public func startAll() async throws {
        try start("event-store", ["--rules", Self.rules])
        for service in Self.services { try start(service) }
        for service in Self.services { _ = try await status(of: service) }
        _ = try await event(matching: .stream(StreamName(Self.lastRule())))
    }

    /// The stream of the rule that is made last: that of the end of the file.
    private static func lastRule() throws -> String {
        struct Wiring: Decodable {
            struct Rule: Decodable { let name: String }
            let rules: [Rule]
        }
        let data = try Data(contentsOf: URL(filePath: rules))
        return "$rule-" + (try JSON.decode(Wiring.self, from: data).rules.last?.name ?? "")
    }

    // MARK: Processes

    /// Starts `name serve`; its output goes to `<home>/<name>.log`.
    public func start(_ name: String, _ arguments: [String] = []) throws {
        try start(name, command: [name, "serve"] + arguments)
    }

    /// Starts a command, the executable's name first, that is `name` from here on: a worker, say.
    public func start(_ name: String, command: [String]) throws {
        let process = process(command.first ?? "", Array(command.dropFirst()), as: name)
        let log = "\(home)/\(name).log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let output = try FileHandle(forWritingTo: URL(filePath: log))
        try output.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try Spawning.alone { try process.run() }
        processes[name] = process
    }

    /// Ends the process at once, as a crash would.
    public func kill(_ name: String) {
        guard let process = processes.removeValue(forKey: name) else { return }
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks the process to end, waits until it has, and gives its exit status; -1 for one that a
    /// signal ended, be it that which is sent when `patience` is over.
    @discardableResult
    public func terminate(_ name: String, patience: TimeInterval = 120) -> Int32 {
        guard let process = processes.removeValue(forKey: name) else { return -1 }
        let lastResort = Self.kill(process, after: patience)
        process.terminate()
        process.waitUntilExit()
        lastResort.cancel()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }

    /// Waits until the process has ended, and returns its exit status, or -1 if a signal ended it.
    /// After `patience`, in seconds, it is killed.
    public func end(of name: String, patience: TimeInterval = 120) -> Int32 {
        guard let process = processes.removeValue(forKey: name) else { return -1 }
        let lastResort = Self.kill(process, after: patience)
        process.waitUntilExit()
        lastResort.cancel()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }

    private static func kill(_ process: Process, after patience: TimeInterval) -> DispatchWorkItem {
        let id = process.processIdentifier
        let work = DispatchWorkItem { _ = Foundation.kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + patience, execute: work)
        return work
    }

    /// Sends a signal, such as SIGSTOP and SIGCONT.
    public func signal(_ name: String, _ number: Int32) {
        if let process = processes[name] { _ = Foundation.kill(process.processIdentifier, number) }
    }

    public func processID(of name: String) -> Int32? { processes[name]?.processIdentifier }

    public func isRunning(_ name: String) -> Bool { processes[name]?.isRunning ?? false }

    /// What the process has said.
    public func log(of name: String) -> String {
        (try? String(contentsOfFile: "\(home)/\(name).log", encoding: .utf8)) ?? ""
    }

    /// - Parameter identity: whose key it has, if there are keys.
    private func process(
        _ name: String, _ arguments: [String], as identity: String = "operator"
    ) -> Process {
        let process = Process()
        let key = "\(keys.path)/\(identity).key"
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        var own = ["DAYBOOK_HOME": home, "PATH": "\(executables.path):\(path)"]
        if FileManager.default.fileExists(atPath: key) { own["DAYBOOK_KEY"] = key }
        process.executableURL =
            name.hasPrefix("/") ? URL(filePath: name) : executables.appending(path: name)
        process.arguments = arguments
        process.currentDirectoryURL = workingFolder
        process.environment = ProcessInfo.processInfo.environment.merging(
            environment.merging(own) { $1 }
        ) { $1 }
        return process
    }

    // MARK: TCP

    /// The folder of the keys, if there are any.
    public var keys: URL { URL(filePath: "\(home)/keys") }

    /// Has the processes that are started from now on speak over TCP, each with a key of its own;
    /// the test has that of the `operator`.
    public func useTCP() throws {
        let names = ["event-store"] + Self.services
        let keyring = keys.appending(path: "keyring.json")
        let made = try run(
            ["event-store", "keys", "new", "--keyring", keyring.path, "operator"] + names)
        guard made.status == 0 else { throw DaybookError(.internal, made.errors) }
        environment["DAYBOOK_KEYRING"] = keyring.path
        for name in names + ["feed", "bus"] {
            environment[Endpoints.variable(name)] = "tcp://127.0.0.1:\(try freePort())"
        }
        context = try context(of: "operator")
    }

    /// Makes one more key, which may do what the options say: `["--append", "card"]`.
    public func makeKey(_ name: String, _ options: [String] = []) throws {
        let made = try run(["event-store", "keys", "new", name] + options)
        guard made.status == 0 else { throw DaybookError(.internal, made.errors) }
    }

    /// A context with the key of this name, for clients of a test's own.
    public func context(of name: String) throws -> Context {
        try .with(
            key: keys.appending(path: "\(name).key"), keyring: keys.appending(path: "keyring.json"))
    }

    /// A port that nobody has, below those that the system gives out by itself.
    private func freePort() throws -> Int {
        while true {
            let port = Int.random(in: 10_000..<32_000)
            do {
                try probe("tcp://127.0.0.1:\(port)")
                return port
            } catch ZeroMQError.addressInUse {
                continue
            }
        }
    }

    /// Binds the endpoint, in a context of its own, which ends when it is free again.
    private func probe(_ endpoint: String) throws {
        let socket = try Socket(.router, on: loop, in: Context())
        try socket.bind(endpoint)
    }

    /// Where the service, the event store or the `bus` is.
    public func endpoint(of service: String) -> String {
        environment[Endpoints.variable(service)] ?? "ipc://\(home)/\(service).sock"
    }

    // MARK: Driving

    /// What a command came to.
    public struct Run: Sendable {
        public var status: Int32
        public var output: String
        public var errors: String
    }

    /// Runs a command to its end: `run("orders", "place", …)`.
    public func run(_ command: String...) throws -> Run { try run(command) }

    /// Runs a line in a shell, with the suite's executables in its PATH.
    public func shell(_ line: String) throws -> Run { try run(["/bin/sh", "-c", line]) }

    /// Who reads what a command prints.
    public enum Reader: Sendable {
        /// The test.
        case caller
        /// Nobody: the pipe has no other end, as behind a `head` that has ended.
        case closed
    }

    /// Runs a command, the executable's name first, to its end; it is killed, and its status -1,
    /// when `patience` is over.
    public func run(
        _ command: [String], as identity: String = "operator", output reader: Reader = .caller,
        patience: TimeInterval = 180
    ) throws -> Run {
        let process = process(command.first ?? "", Array(command.dropFirst()), as: identity)
        // Not pipes, which must be read while it runs.
        let (output, errors) = (try Scratch(in: home), try Scratch(in: home))
        process.standardOutput = output.file
        process.standardError = errors.file
        process.standardInput = FileHandle.nullDevice
        try Spawning.alone {
            if reader == .closed {
                let pipe = Pipe()
                try pipe.fileHandleForReading.close()
                process.standardOutput = pipe
            }
            try process.run()
        }
        let lastResort = Self.kill(process, after: patience)
        process.waitUntilExit()
        lastResort.cancel()
        return Run(
            status: process.terminationReason == .exit ? process.terminationStatus : -1,
            output: try output.text(), errors: try errors.text())
    }

    /// A file that is gone when it is read.
    private struct Scratch {
        let file: FileHandle

        init(in folder: String) throws {
            let path = "\(folder)/\(UUID().uuidString)"
            try Data().write(to: URL(filePath: path))
            file = try FileHandle(forUpdating: URL(filePath: path))
            try FileManager.default.removeItem(atPath: path)
        }

        func text() throws -> String {
            try file.seek(toOffset: 0)
            return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        }
    }

    /// A client of a service, or of the `bus`, to be closed by who asked for it.
    ///
    /// - Parameter context: with the key to be used; that of the operator, if nil.
    public func client(
        of service: String, in context: Context? = nil, timeout: Duration = .seconds(180)
    ) async throws -> ServiceClient {
        try await ServiceClient(
            endpoint: endpoint(of: service), of: service == "bus" ? "event-store" : service,
            timeout: timeout, actor: "test", in: context ?? self.context)
    }

    /// A client of the event store, to be closed by who asked for it.
    ///
    /// - Parameter context: with the key to be used; that of the operator, if nil.
    public func eventStore(in context: Context? = nil) async throws -> EventStoreClient {
        try await EventStoreClient(
            endpoint: endpoint(of: "event-store"), on: loop, in: context ?? self.context)
    }

    /// Waits for the first event that matches, be it in the log or to come.
    public func event(matching query: EventQuery) async throws -> RecordedEvent {
        let store = try await eventStore()
        let subscription = try await store.subscribe(query)
        while true {
            if let event = try await subscription.next().events.first {
                await store.close()
                return event
            }
        }
    }

    /// How the service is doing; waits for one that is starting.
    public func status(of service: String) async throws -> ServiceStatus {
        let client = try await client(of: service)
        let status = try await client.query("status", Nothing(), as: ServiceStatus.self)
        await client.close()
        return status
    }

    /// Runs `audit --compare`, which waits until the services have settled.
    public func audit() throws -> Run { try run("audit", "--compare", "--timeout", "180") }
}
