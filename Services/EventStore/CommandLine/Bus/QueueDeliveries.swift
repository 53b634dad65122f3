import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import JSON
import WireProtocol

extension Queues {
    struct Receive: ProgramCommand {
        static let abstract = "Receive deliveries of a queue, and print them with their receipts."
        static let discussion = """
            Pass the receipt of a delivery to ack or nack before its visibility timeout \
            passes. After that the delivery is redelivered.
            """

        @OptionGroup var call: CallOptions
        @Argument(nameOf: QueueView.self) var name: String
        @Option(help: "The largest number of deliveries to receive.") var max = 1
        @Option(help: "How long to wait for the first delivery.") var wait = Seconds(0)
        @Option(
            help: """
                How long the deliveries stay invisible to other consumers (default: the queue's \
                own visibility timeout).
                """)
        var visibilityTimeout: Seconds?

        func validate() throws {
            try require(
                (1...ReceiveRequest.maximumCount).contains(max),
                "--max must be 1 to \(ReceiveRequest.maximumCount), not \(max)")
        }

        func run() async throws {
            try await call.withConsumer(of: name) { consumer, welcome in
                let deliveries = try await deliveries(consumer)
                if call.json {
                    for delivery in deliveries {
                        let line = DeliveryLine(
                            receipt: "\(Receipt(delivery))", rule: delivery.rule,
                            replay: delivery.replay, receiveCount: delivery.receiveCount,
                            enqueuedAt: delivery.enqueuedAt,
                            firstReceivedAt: delivery.firstReceivedAt)
                        try printJSON(line, event: delivery.event, of: welcome.log)
                    }
                } else {
                    try Output.table(
                        deliveries,
                        [
                            ("receipt", Receipt.init), ("position", \.event.position),
                            ("stream", \.event.stream), ("type", \.event.type),
                            ("received", \.receiveCount), ("rule", \.rule),
                            ("data", { EventPrinter.data(of: $0.event) }),
                        ])
                }
            }
        }

        /// Receives until there are deliveries or `wait` is over. One call to the bus waits for at
        /// most a second, so this may take several.
        private func deliveries(_ consumer: QueueConsumer) async throws -> [Delivery] {
            let deadline = ContinuousClock.now + wait.duration
            while true {
                let left = deadline - .now
                let found = try await consumer.receive(
                    max, visibilityTimeout: visibilityTimeout?.duration,
                    wait: Swift.max(.zero, min(left, .seconds(ReceiveRequest.maximumWait))),
                    timeout: call.timeoutDuration)
                if !found.isEmpty || left <= .zero { return found }
            }
        }
    }

    struct Ack: ProgramCommand {
        static let abstract = "Acknowledge deliveries, so that they are not redelivered."

        @OptionGroup var call: CallOptions
        @OptionGroup var deliveries: ReceiptArguments

        func run() async throws { try await deliveries.report("acknowledged", .acknowledged, call) }
    }

    struct Nack: ProgramCommand {
        static let abstract = "Give deliveries back to be redelivered, up to the queue's limits."

        @OptionGroup var call: CallOptions
        @OptionGroup var deliveries: ReceiptArguments
        @Option(help: "The error that made the consumer fail.") var error = ""
        @Option(help: "How long to wait before the redelivery (default: the queue's back-off).")
        var delay: Seconds?

        func run() async throws {
            try await deliveries.report(
                "given back", .failed(error: error, delay: delay?.duration), call)
        }
    }

    struct Extend: ProgramCommand {
        static let abstract = "Extend the visibility timeout of deliveries."

        @OptionGroup var call: CallOptions
        @OptionGroup var deliveries: ReceiptArguments
        @Option(help: "How long the deliveries stay invisible, from now.") var by: Seconds

        func run() async throws {
            try await deliveries.report("extended", .extended(by.duration), call)
        }
    }
}

/// Arguments that name the deliveries to acknowledge, give back or extend.
struct ReceiptArguments: ParsableArguments {
    @Argument(nameOf: QueueView.self) var name: String
    @Argument(help: "The receipts that 'receive' printed: <sequence>:<lease>.")
    var receipts: [Receipt]

    /// Applies one verdict to all of the deliveries, and prints for each whether it took effect.
    ///
    /// - Throws: `DaybookError` if it did not take effect for all of them.
    func report(
        _ done: String, _ verdict: Acknowledgement.Verdict, _ call: CallOptions
    ) async throws {
        struct Line: Encodable {
            var receipt: String
            var tookEffect: Bool
        }
        let acknowledgements = receipts.map {
            Acknowledgement(sequence: $0.sequence, lease: $0.lease, verdict)
        }
        let took = try await call.withConsumer(of: name) { consumer, _ in
            try await consumer.acknowledge(acknowledgements, timeout: call.timeoutDuration)
        }
        for (receipt, tookEffect) in zip(receipts, took) {
            if call.json {
                try Output.json(Line(receipt: "\(receipt)", tookEffect: tookEffect))
            } else if tookEffect {
                try Output.print("\(done) \(receipt)")
            }
        }
        let late = zip(receipts, took).filter { !$1 }.map { "\($0.0)" }
        try require(
            late.isEmpty, .invalid,
            "too late for \(late.joined(separator: ", ")): the delivery ended otherwise, or before "
                + "the event store restarted, or its visibility timeout has passed")
    }
}

/// The members of a delivery's JSON besides the event.
private struct DeliveryLine: Encodable {
    var receipt: String
    var rule: String
    var replay: String?
    var receiveCount: Int
    var enqueuedAt: Timestamp
    var firstReceivedAt: Timestamp
}

/// Prints one JSON object: the members of `head`, and the CloudEvent as `event`, byte for byte.
func printJSON(_ head: some Encodable, event: RecordedEvent, of log: EventID) throws {
    var line = Array(try JSON.data(head).dropLast())
    line += Array(#","event":"#.utf8) + (try CloudEvents.line(event, of: log))
    try Output.stream(Output.printable(jsonLines: line + Array("}\n".utf8)))
}

/// The text that names a delivery on the command line: `<sequence>:<lease>`.
struct Receipt: Hashable, Sendable, LosslessStringConvertible, ExpressibleByArgument {
    let sequence: UInt64
    let lease: UInt64

    init(_ delivery: Delivery) { (sequence, lease) = (delivery.sequence, delivery.lease) }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let sequence = UInt64(parts[0]), let lease = UInt64(parts[1]) else {
            return nil
        }
        (self.sequence, self.lease) = (sequence, lease)
    }

    var description: String { "\(sequence):\(lease)" }
}
