public import EventSourcing
public import EventStoreClient
public import Foundation
import JSON
import Keys
import Observability
import Synchronization
public import WireProtocol
public import ZeroMQ

/// The suite's real processes in a temporary folder, for a test to drive, stop, kill and restart.
///
/// When the suite is released, its processes are killed and its folder is removed. If
/// DAYBOOK_KEEP_HOMES is set, the folder is kept for inspection.
public final class Suite {
    /// The names of all services.
    public static let services = SuiteService.all.map(\.name)

    /// The file with the queues and rules of the suite's saga, for `--rules`.
    public static let rules = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Services/rules.json").standardizedFileURL.path

    /// The folder of the state, which is the `DAYBOOK_HOME` of every process.
    public let home: String
    /// The environment of processes started from now on, in addition to DAYBOOK_HOME.
    ///
    /// Segments are small to save time, because a store creates a segment's file before it needs
    /// it.
    public var environment = ["DAYBOOK_SEGMENT_SIZE": "16"]
    /// The working folder of processes started from now on. If nil, they use the test's own.
    public var workingFolder: URL?
    private let executables: URL
    let loop = SocketLoop(name: "test")
    private(set) var context: Context
    private var processes: [String: Process] = [:]
    /// The names of the processes that run as a service or the event store.
    private var servers: Set<String> = []

    /// Creates a suite without processes.
    ///
    /// - Parameter executables: the folder of the executables. If nil, the folder of the running
    ///   tests.
    public init(executables: URL? = nil) throws {
        // Short, because an ipc endpoint may have only 107 bytes.
        home = "/tmp/daybook-\(UUID().uuidString.prefix(8))"
        self.executables =
            executables ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        context = try Context()
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit {
        for (name, process) in processes {
            if process.isRunning {
                _ = Foundation.kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            } else {
                // Its log will be removed with the folder, and then a failed test could not show
                // the reason.
                let text =
                    "\(name) ended with status \(process.terminationStatus):\n\(log(of: name))"
                FileHandle.standardError.writeIgnoringErrors(text)
            }
        }
        guard ProcessInfo.processInfo.environment["DAYBOOK_KEEP_HOMES"] == nil else { return }
        try? FileManager.default.removeItem(atPath: home)
    }

    /// Starts the event store with the suite's rules, and all services.
    ///
    /// Returns when each of them answers and the rules exist.
    public func startAll() async throws {
        try start("event-store", ["--rules", Self.rules])
        for service in Self.services { try start(service) }
        for service in Self.services { _ = try await status(of: service) }
        _ = try await event(matching: .stream(StreamName(Self.lastRule())))
    }

    /// Returns the stream of the last rule in the file, which the store creates last.
    private static func lastRule() throws -> String {
        struct Wiring: Decodable {
            struct Rule: Decodable { let name: String }
            let rules: [Rule]
        }
        let data = try Data(contentsOf: URL(filePath: rules))
        return "$rule-" + (try JSON.decode(Wiring.self, from: data).rules.last?.name ?? "")
    }

    // MARK: Processes

    /// Starts `name serve`, with its output in `<home>/<name>.log`.
    public func start(_ name: String, _ arguments: [String] = []) throws {
        try launch(name, [name, "serve"] + arguments)
        servers.insert(name)
    }

    /// Starts a command, such as a worker, under a name for the other functions.
    ///
    /// The command begins with the name of the executable.
    public func start(_ name: String, command: [String]) throws {
        waitForSockets()
        try launch(name, command)
    }

    private func launch(_ name: String, _ command: [String]) throws {
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

    /// Kills the process, as a crash would.
    public func kill(_ name: String) {
        guard let process = processes.removeValue(forKey: name) else { return }
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks the process to stop, waits until it has ended, and returns its exit status.
    ///
    /// See ``waitForExit(of:timeout:)``.
    @discardableResult
    public func terminate(_ name: String, timeout: TimeInterval = 120) -> Int32? {
        processes[name]?.terminate()
        return waitForExit(of: name, timeout: timeout)
    }

    /// Waits until the process has ended, and returns its exit status, or the negative number of
    /// the signal that ended it. Returns nil for a process that was not started or has been
    /// stopped.
    ///
    /// After `timeout`, in seconds, the process is killed.
    public func waitForExit(of name: String, timeout: TimeInterval = 120) -> Int32? {
        processes.removeValue(forKey: name).map { Self.exitStatus(of: $0, timeout) }
    }

    private static func exitStatus(of process: Process, _ timeout: TimeInterval) -> Int32 {
        let id = process.processIdentifier
        let lastResort = DispatchWorkItem { _ = Foundation.kill(id, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + timeout, execute: lastResort)
        process.waitUntilExit()
        lastResort.cancel()
        let status = process.terminationStatus
        return process.terminationReason == .exit ? status : -status
    }

    /// Sends a signal, such as SIGSTOP or SIGCONT.
    public func signal(_ name: String, _ number: Int32) {
        if let process = processes[name] { _ = Foundation.kill(process.processIdentifier, number) }
    }

    /// Returns the id of the process, or nil if it was not started or has been stopped.
    public func processID(of name: String) -> Int32? { processes[name]?.processIdentifier }

    /// Returns whether the process runs.
    public func isRunning(_ name: String) -> Bool { processes[name]?.isRunning ?? false }

    /// Returns the output of the process so far.
    public func log(of name: String) -> String {
        (try? String(contentsOfFile: "\(home)/\(name).log", encoding: .utf8)) ?? ""
    }

    /// Makes a process.
    ///
    /// - Parameter identity: the name of the key that it uses if there are keys.
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

    /// The folder of the keys, which exists only with keys.
    public var keys: URL { URL(filePath: "\(home)/keys") }

    /// Makes processes that start from now on use TCP, each with its own key. The test uses the key
    /// `operator`, which sends commands and administers.
    public func useTCP() throws {
        let names = ["event-store"] + Self.services
        let keyring = keys.appending(path: "keyring.json")
        environment["DAYBOOK_KEYRING"] = keyring.path
        try makeKey("event-store", Self.services)
        try makeKey("operator", ["--admin", "--command", "*"])
        for name in names + ["feed", "bus"] {
            environment[Endpoints.variable(name)] = try freeEndpoint()
        }
        context = try context(of: "operator")
    }

    /// Creates another key with the given permissions, such as `["--append", "card"]`.
    public func makeKey(_ name: String, _ options: [String] = []) throws {
        let made = try run(["event-store", "keys", "new", name] + options)
        guard made.status == 0 else { throw DaybookError(.internal, made.errors) }
    }

    /// Returns a context with the key of this name, for a test's own clients.
    public func context(of name: String) throws -> Context {
        try Credentials(
            key: keys.appending(path: "\(name).key"), keyring: keys.appending(path: "keyring.json")
        ).context
    }

    /// A loopback address of this process alone, so that no other process takes its ports.
    private static let host: String = {
        // Linux has at most 2^22 process ids.
        let id = ProcessInfo.processInfo.processIdentifier
        return "127.\(id >> 16).\(id >> 8 & 255).\(id & 255)"
    }()

    /// The next port, below those that the system assigns. No two suites get the same.
    private static let nextPort = Atomic(10_000)

    /// Returns an endpoint that no other suite gets and no program uses.
    private func freeEndpoint() throws -> String {
        while true {
            let port = Self.nextPort.add(1, ordering: .relaxed).oldValue
            let endpoint = "tcp://\(Self.host):\(port)"
            do {
                try probe(endpoint)
                return endpoint
            } catch ZeroMQError.addressInUse {
                continue
            }
        }
    }

    /// Binds the endpoint in a context of its own, which frees the endpoint when it ends.
    private func probe(_ endpoint: String) throws {
        let socket = try Socket(.router, on: loop, in: Context())
        try socket.bind(endpoint)
    }

    /// Returns the endpoint of a service, the event store or the `bus`.
    public func endpoint(of service: String) -> String {
        environment[Endpoints.variable(service)] ?? "ipc://\(home)/\(service).sock"
    }

    // MARK: Driving

    /// The result of a command.
    public struct Run: Sendable {
        /// The exit status, or -1 if a signal ended the command.
        public var status: Int32
        /// What it has printed on standard output.
        public var output: String
        /// What it has printed on standard error.
        public var errors: String
    }

    /// Runs a command to its end, such as `run("orders", "place", …)`.
    public func run(_ command: String...) throws -> Run { try run(command) }

    /// Runs a line in a shell, with the suite's executables in its PATH.
    public func shell(_ line: String) throws -> Run { try run(["/bin/sh", "-c", line]) }

    /// The reader of a command's output.
    public enum Reader: Sendable {
        /// The test reads the output.
        case caller
        /// Nobody reads the output: the pipe is closed at the other end, as by a `head` that has
        /// ended.
        case closed
    }

    /// Runs a command to its end.
    ///
    /// The command begins with the name of the executable. After `timeout`, in seconds, it is
    /// killed and its status is -1.
    public func run(
        _ command: [String], as identity: String = "operator", output reader: Reader = .caller,
        timeout: TimeInterval = 180
    ) throws -> Run {
        let process = process(command.first ?? "", Array(command.dropFirst()), as: identity)
        waitForSockets()
        // Not pipes, because they must be read while the command runs.
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
        return Run(
            status: Self.exitStatus(of: process, timeout), output: try output.text(),
            errors: try errors.text())
    }

    /// Waits until the started processes listen at their sockets, because a command fails early
    /// otherwise.
    ///
    /// Without an event store, services do not listen.
    public func waitForSockets() {
        guard isRunning("event-store") else { return }
        let deadline = Date.now + 60
        for name in servers where endpoint(of: name).hasPrefix("ipc://") {
            let path = "\(home)/\(name).sock"
            while isRunning(name), StreamListener.fault(of: path) != nil, .now < deadline {
                // A process does not report its socket.
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    /// A file without a name, which disappears when it is closed.
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

    /// Returns a client of a service, or of the `bus`. The caller must close it.
    ///
    /// - Parameter context: the context with the key to use, or nil for the operator's.
    public func client(
        of service: String, in context: Context? = nil, timeout: Duration = .seconds(180)
    ) async throws -> ServiceClient {
        try await ServiceClient(
            endpoint: endpoint(of: service), of: service == "bus" ? "event-store" : service,
            timeout: timeout, actor: "test", in: context ?? self.context)
    }

    /// Returns a client of the event store. The caller must close it.
    ///
    /// - Parameter context: the context with the key to use, or nil for the operator's.
    public func eventStore(in context: Context? = nil) async throws -> EventStoreClient {
        try await EventStoreClient(
            endpoint: endpoint(of: "event-store"), on: loop, in: context ?? self.context)
    }

    /// Waits for the first event that matches, in the log or to come, and returns it.
    public func event(matching query: EventQuery) async throws -> RecordedEvent {
        let store = try await eventStore()
        return try await closing(store.close) {
            for try await event in try await store.subscribe(query).events { return event }
            throw CancellationError()
        }
    }

    /// Returns the status of the service. Waits for a service that is starting.
    public func status(of service: String) async throws -> ServiceStatus {
        let client = try await client(of: service)
        return try await closing(client.close) { try await client.query("status", Nothing()) }
    }

    /// Runs `audit --compare`, which waits until the services have caught up.
    public func audit() throws -> Run { try run("audit", "--compare", "--timeout", "180") }
}
