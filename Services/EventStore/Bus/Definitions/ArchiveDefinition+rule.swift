import WireProtocol

extension ArchiveDefinition {
    /// The rule that describes the archive: matching events go to it, except those of a replay.
    var rule: RuleDefinition {
        let first = #""replay-name":[{"exists":false}]"#
        let fields = (pattern ?? "{}").drop { $0 != "{" }.dropFirst()
        let separator = pattern == nil ? "" : ","
        return RuleDefinition(
            name: Self.rulePrefix + name, description: "the events of archive \(name)",
            pattern: "{\(first)\(separator)\(fields)", targets: [.archive(name)])
    }

    private static let rulePrefix = "archive-"
}
