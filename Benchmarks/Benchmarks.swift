import ArgumentParser
import CommandLine

/// Measures the suite. scripts/bench runs it in rounds, beside comparable systems.
@main struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measure the event store and the services.",
        subcommands: [
            AppendBenchmark.self, ReadBenchmark.self, FillBenchmark.self, OpenBenchmark.self,
            ProjectionBenchmark.self, QueryBenchmark.self, MatchBenchmark.self,
            DeliverBenchmark.self, RedriveBenchmark.self,
        ])

    static func main() async { await Executable("benchmarks", Self.self).run() }
}
