import ArgumentParser
import AuditDomain
public import CommandLine
import EventSourcing
import EventStoreClient
import WireProtocol

extension Executable {
    /// The executable `audit`.
    public static let audit = Executable("audit", AuditCommand.self)
}

struct AuditCommand: ProgramCommand {
    static let commandName: String? = "audit"
    static let abstract = "Check the books: every invariant at every position of the log."
    static let discussion = """
        The figures are computed from the log alone. Every consequence of every order's end \
        must be in the log. If commands can repair a finding, they are printed below it, \
        ready to paste. The audit itself changes nothing.

        With --compare the command first waits until the services have handled the whole log, \
        except what dead letters and paused queues hold back. Then it compares the figures \
        with those that the services show.

        The exit status is 65 if there are findings, and 69 if there are none but a service \
        could not be compared.
        """

    @OptionGroup var options: CallOptions
    @Option(help: "The event store's endpoint (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?
    @Flag(help: "Compare the figures with those that the services show.") var compare = false
    @Flag(help: "Omit findings about sagas that have not ended, while sagas are under way.")
    var running = false

    func run() async throws {
        let obstacles = compare ? try await waitForParticipants() : []
        var (audit, remedies, head) = try await readLog()
        if !running { audit.close() }
        var entries = audit.findings.map { finding in
            Report.Entry(finding, remedy: finding.trigger.map(remedies.commands) ?? [])
        }
        // The obstacles come last, so that the printed commands redrive single dead letters before
        // all dead letters of a queue.
        entries += obstacles
        var failures: [String] = []
        if compare {
            let comparison = try await Comparison(options: options, audit: audit, head: head).run()
            entries += comparison.differences.map { Report.Entry($0) }
            failures = comparison.failures
        }
        let report = Report(
            audit, at: head, compared: compare && failures.isEmpty, findings: entries)
        if options.json { try Output.json(report) } else { try report.printText() }
        if !failures.isEmpty, entries.isEmpty {
            throw DaybookError(.unavailable, failures.joined(separator: "; "))
        }
        for failure in failures { Output.printError("audit: \(failure)") }
        guard entries.isEmpty else { throw ExitCode(65) }
    }

    private func readLog() async throws -> (Audit, Remedies, head: UInt64) {
        var audit = Audit()
        var remedies = Remedies()
        var head: UInt64 = 0
        try await EventStoreConnection.with(
            eventStore, home: options.home, timeout: options.timeoutDuration
        ) { client in
            let total = try await client.welcome().head
            var bar = ProgressBar("audit", total: Int(clamping: total))
            for try await batch in client.read(ReadRequest(from: 1, to: total)) {
                for record in batch.events {
                    head = record.position
                    audit.record(record)
                    remedies.record(record)
                }
                bar.show(Int(clamping: head))
            }
            bar.end()
        }
        return (audit, remedies, head)
    }

    /// Waits until the services have handled the log, except what obstacles hold back.
    ///
    /// - Returns: the obstacles, such as paused queues and dead letters.
    private func waitForParticipants() async throws -> [Report.Entry] {
        let timeout = options.timeoutDuration
        return try await EventStoreConnection.with(
            eventStore, home: options.home, timeout: timeout
        ) { store in
            let services = Set(Endpoints.services(home: options.home).keys)
            var bus = options
            bus.endpoint = try await store.busEndpoint()
            return try await bus.with("event-store") {
                try await ParticipantWait(store: store, bus: $0, services: services).wait(timeout)
            }
        }
    }
}
