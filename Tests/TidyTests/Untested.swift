/// Files that need no test file of their own, because the tests of others cover them.
enum Untested {
    /// Returns why a file needs no test file of its own, or nil if it does.
    static func reason(for path: String) -> String? {
        names.first { path.hasSuffix($0.key) }?.value ?? files[path]
    }

    /// Files of every service, with the reason.
    private static let names = [
        "/Main/Commands.swift": "subcommands, which Tests/SystemTests runs",
        "/Domain/Events.swift": "declarations, which the tests of the aggregate use",
    ]

    /// Other files, with the tests that cover them.
    static let files = declarations.merging(commands) { $1 }.merging(parts) { $1 }
        .merging(processes) { $1 }

    /// Files that declare data and decide nothing.
    private static let declarations = [
        "Shared/Contracts/Events/AccountEvents.swift": "ContractsTests/EventPayloadTests",
        "Shared/Contracts/Events/CreditLimitEvents.swift": "ContractsTests/EventPayloadTests",
        "Shared/Contracts/Events/CreditReversalEvents.swift": "ContractsTests/EventPayloadTests",
        "Shared/Contracts/Events/OrderEvents.swift": "ContractsTests/EventPayloadTests",
        "Shared/Contracts/Events/RouteEvents.swift": "ContractsTests/EventPayloadTests",
        "Shared/Contracts/Views/AccountView.swift":
            "IntegrationTests/Boundaries/ContractBoundaryTests",
        "Shared/WireProtocol/Bus/BusCalls.swift":
            "IntegrationTests/Boundaries/ContractBoundaryTests",
        "Shared/WireProtocol/Bus/BusEventData.swift":
            "IntegrationTests/Boundaries/ContractBoundaryTests",
        "Shared/WireProtocol/Bus/BusEvents.swift":
            "IntegrationTests/Boundaries/ContractBoundaryTests",
    ]

    /// Commands, with their options and output. Tests run them as processes.
    private static let commands = [
        "Services/EventStore/CommandLine/Append.swift": "SystemTests/RepeatedCommandTests",
        "Services/EventStore/CommandLine/Bus/BusCommands.swift":
            "SystemTests/EventStore/BusCommandTests",
        "Services/EventStore/CommandLine/StatusCommands.swift":
            "SystemTests/CommandLineTests",
        "Shared/CommandLine/Executable.swift":
            "SystemTests/CommandLineTests",
        "Shared/CommandLine/Services/StatusCommands.swift":
            "SystemTests/CommandLineTests",
        "Services/EventStore/CommandLine/Bus/Archives.swift":
            "SystemTests/EventStore/ArchiveCommandTests",
        "Services/EventStore/CommandLine/Bus/DeadLetters.swift":
            "SystemTests/EventStore/QueueWorkCommandTests",
        "Services/EventStore/CommandLine/Bus/QueueWork.swift":
            "SystemTests/EventStore/QueueWorkCommandTests",
        "Services/EventStore/CommandLine/Bus/Queues.swift":
            "SystemTests/EventStore/BusCommandTests",
        "Services/EventStore/CommandLine/Bus/Replays.swift":
            "SystemTests/EventStore/ReplayCommandTests",
        "Services/EventStore/CommandLine/Bus/Rules.swift":
            "SystemTests/EventStore/BusCommandTests",
        "Services/EventStore/CommandLine/Amend.swift": "SystemTests/EventStore/AmendCommandTests",
        "Services/EventStore/CommandLine/Export.swift":
            "SystemTests/EventStore/ExportCommandTests",
        "Services/EventStore/CommandLine/Import.swift":
            "SystemTests/EventStore/ExportCommandTests",
        "Services/EventStore/CommandLine/Keys.swift": "SystemTests/KeyTests",
        "Services/EventStore/CommandLine/Restore.swift":
            "SystemTests/EventStore/RestoreCommandTests",
        "Services/EventStore/CommandLine/Serve.swift": "SystemTests/ProcessTests",
        "Services/EventStore/CommandLine/Trace.swift": "SystemTests/TraceTests",
        "Services/EventStore/CommandLine/Verify.swift":
            "SystemTests/EventStore/VerifyCommandTests",
        "Shared/CommandLine/ProcessOptions.swift": "SystemTests/MetricsTests",
        "Shared/CommandLine/Services/RebuildCommand.swift": "SystemTests/Past/RebuildTests",
        "Services/Audit/Main/Comparison.swift": "SystemTests/CreditReversalTests",
        "Shared/CommandLine/Services/ReversalPreview.swift": "SystemTests/ReversalTests",
        "Shared/CommandLine/Services/ReverseCommand.swift": "SystemTests/CreditReversalTests",
    ]

    /// Parts of a whole, which the tests of the whole cover.
    private static let parts = [
        "Shared/ServiceRuntime/Host/ServiceHost+reverse.swift": "SystemTests/ReversalTests",
        "Shared/EventPattern/Conditions/CaselessText.swift":
            "EventPatternTests/ConditionParserTests",
        "Shared/EventPattern/Matching/ClauseSet.swift":
            "EventPatternTests/PatternMatcherTests",
        "Shared/EventPattern/Matching/FieldIndex.swift":
            "EventPatternTests/PatternMatcherTests",
        "Shared/JSON/JSONDocument.swift": "JSONTests/JSONDecodingTests",
        "Shared/JSON/JSONDraft.swift": "JSONTests/JSONEncodingTests",
        "Shared/ServiceRuntime/Projections/StoredModel.swift":
            "ServiceRuntimeTests/LiveReadModelTests",
        "Shared/ZeroMQ/Frame.swift":
            "ZeroMQTests/SocketTests",
        "Services/EventStore/Bus/Delivering/BusQueue.swift": "EventBusTests/DeliveriesTests+model",
        "Services/EventStore/Bus/Journal/JournalFile.swift": "EventBusTests/BusFilesTests",
        "Services/EventStore/Bus/Journal/JournalGeneration.swift": "EventBusTests/BusFilesTests",
        "Services/EventStore/Bus/Journal/QueueWrites+journal.swift":
            "EventBusTests/JournalRecordTests",
        "Services/EventStore/Log/LogGap.swift": "EventLogTests/LogRestorationTests",
        "Services/EventStore/Log/LogVerification.swift": "EventLogTests/LogManifestTests",
        "Services/EventStore/Log/Segments/OpenSegment.swift": "EventLogTests/RecoveryTests",
        "Shared/EventPattern/Conditions/EventFields.swift": "EventPatternTests/EnvelopeTests",
        "Shared/EventPattern/Matching/IndexKey.swift": "EventPatternTests/PatternMatcherTests",
        "Shared/ZeroMQ/LoopThread.swift": "ZeroMQTests/SocketTests",
    ]

    /// Files that need other modules or processes: tests of several modules cover them.
    private static let processes = [
        "Services/Audit/Main/Comparison.swift": "SystemTests/StoppedEntityTests",
        "Services/EventStore/CloudEvents/Importer.swift":
            "SystemTests/EventStore/ExportCommandTests",
        "Services/Orders/Main/Import/ImportProgress.swift": "SystemTests/ImportTests",
        "Services/Orders/Main/OrderImport.swift": "SystemTests/ImportTests",
        "Services/Route/Main/HubNetwork.swift": "SystemTests/DeadLetterTests",
        "Shared/EventStoreClient/Queues/QueueConsumer.swift": "EventBusTests/BusTests+deliveries",
        "Shared/EventStoreClient/ServiceClient.swift": "SystemTests/StoppedEntityTests",
        "Shared/IntegrationHarness/Suite.swift": "SystemTests/SystemTests",
        "Shared/Observability/Server/MetricsServer.swift": "SystemTests/MetricsTests",
        "Shared/ServiceRuntime/Host/ServiceHost.swift": "SystemTests/ServiceHostTests",
        "Shared/ServiceRuntime/Host/ServiceReport.swift": "SystemTests/MetricsTests",
        "Shared/ServiceRuntime/Host/PastReading.swift": "SystemTests/Past/PastReadingTests",
        "Shared/ServiceRuntime/Host/PastSnapshots.swift": "SystemTests/Past/PastSnapshotsTests",
        "Shared/ServiceRuntime/Host/StoreFile.swift": "SystemTests/Past/PastCommandTests",
        "Shared/ServiceRuntime/Projections/Rebuilding.swift": "SystemTests/Past/RebuildTests",
        "Shared/ServiceRuntime/Reversal/Rehearsal.swift": "SystemTests/ReversalTests",
        "Shared/ServiceRuntime/Host/ServiceQuery.swift": "SystemTests/Past/PastReadingTests",
        "Shared/ZeroMQ/Streams/StreamListener.swift": "SystemTests/MetricsTests",
    ]
}
