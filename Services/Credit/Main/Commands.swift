public import CommandLine

extension Executable {
    /// The executable `credit`.
    public static let credit = Executable(CreditService.self)
}
