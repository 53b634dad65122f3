import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import WireProtocol

extension Queues {
    struct Receive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Receive deliveries of a queue, and print them with their receipts.",
            discussion: """
                Pass the receipt of a delivery to ack or nack before its visibility timeout \
                passes. After that the delivery is redelivered.
                """)

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String
        @Option(help: "The largest number of deliveries to receive.") var max = 1
        @Option(help: "How long to wait for the first delivery.") var wait = Seconds(0)
        @Option(
            help: """
                How long the deliveries stay invisible to other consumers (default: the queue's \
                own visibility timeout).
                """)
        var visibilityTimeout: Seconds?

        func validate() throws {
            guard (1...ReceiveRequest.maximumCount).contains(max) else {
                throw ValidationError(
                    "--max must be 1 to \(ReceiveRequest.maximumCount), not \(max)")
            }
        }

        func run() async throws {
            try await options.withConsumer(of: name) { consumer, welcome in
                let deliveries = try await deliveries(consumer)
                if options.json {
                    for delivery in deliveries {
                        try printJSON(
                            DeliveryLine(delivery), event: delivery.event, of: welcome.log)
                    }
                } else {
                    Self.table(deliveries)
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
                    timeout: options.timeoutDuration)
                if !found.isEmpty || left <= .zero { return found }
            }
        }

        private static func table(_ deliveries: [Delivery]) {
            Output.table(
                ["receipt", "position", "stream", "type", "received", "rule", "data"],
                deliveries.map { delivery in
                    [
                        "\(Receipt(delivery))", "\(delivery.event.position)",
                        "\(delivery.event.stream)", delivery.event.type,
                        "\(delivery.receiveCount)", delivery.rule,
                        EventPrinter.data(of: delivery.event),
                    ]
                })
        }
    }

    struct Ack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Acknowledge deliveries, so that they are not redelivered.")

        @OptionGroup var deliveries: ReceiptOptions

        func run() async throws { try await deliveries.report("acknowledged", .acknowledged) }
    }

    struct Nack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give deliveries back to be redelivered, up to the queue's limits.")

        @OptionGroup var deliveries: ReceiptOptions
        @Option(help: "The error that made the consumer fail.") var error = ""
        @Option(help: "How long to wait before the redelivery (default: the queue's back-off).")
        var delay: Seconds?

        func run() async throws {
            try await deliveries.report("given back", .failed(error: error, delay: delay?.duration))
        }
    }

    struct Extend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Extend the visibility timeout of deliveries.")

        @OptionGroup var deliveries: ReceiptOptions
        @Option(help: "How long the deliveries stay invisible, from now.") var by: Seconds

        func run() async throws { try await deliveries.report("extended", .extended(by.duration)) }
    }
}

/// Options that name the deliveries to acknowledge, give back or extend.
struct ReceiptOptions: ParsableArguments {
    @OptionGroup var options: CallOptions
    @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
    var name: String
    @Argument(help: "The receipts that 'receive' printed: <sequence>:<lease>.")
    var receipts: [Receipt]

    /// Applies one verdict to all of the deliveries, and prints for each whether it took effect.
    ///
    /// - Throws: `DaybookError` if it did not take effect for all of them.
    func report(_ done: String, _ verdict: Acknowledgement.Verdict) async throws {
        struct Line: Encodable {
            var receipt: String
            var tookEffect: Bool
        }
        let acknowledgements = receipts.map {
            Acknowledgement(sequence: $0.sequence, lease: $0.lease, verdict)
        }
        let took = try await options.withConsumer(of: name) { consumer, _ in
            try await consumer.acknowledge(acknowledgements, timeout: options.timeoutDuration)
        }
        for (receipt, tookEffect) in zip(receipts, took) {
            if options.json {
                try Output.json(Line(receipt: "\(receipt)", tookEffect: tookEffect))
            } else if tookEffect {
                print("\(done) \(receipt)")
            }
        }
        let late = zip(receipts, took).filter { !$1 }.map { "\($0.0)" }
        guard late.isEmpty else {
            throw DaybookError(
                .invalid,
                "too late for \(late.joined(separator: ", ")): acknowledged or given "
                    + "back before, or the visibility timeout has passed")
        }
    }
}

/// The members of a delivery's JSON besides the event.
struct DeliveryLine: Encodable {
    var receipt: String
    var rule: String
    var replay: String?
    var receiveCount: Int
    var enqueuedAt: Timestamp
    var firstReceivedAt: Timestamp

    init(_ delivery: Delivery) {
        receipt = "\(Receipt(delivery))"
        rule = delivery.rule
        replay = delivery.replay
        receiveCount = delivery.receiveCount
        enqueuedAt = delivery.enqueuedAt
        firstReceivedAt = delivery.firstReceivedAt
    }
}

/// Prints one JSON object: the members of `head`, and the CloudEvent as `event`, byte for byte.
func printJSON(_ head: some Encodable, event: RecordedEvent, of log: EventID) throws {
    var line = Array(try JSON.data(head).dropLast())
    line += Array(#","event":"#.utf8) + (try CloudEvents.line(event, of: log))
    try FileHandle.standardOutput.writeLines(line + Array("}\n".utf8))
}
