import AccountMain
public import CommandLine

extension Executable {
    /// The executable `credit`.
    public static let credit = Executable(CreditService.self)
}

extension CreditService {
    static let abstract = "Pay money into an account."
    static let noun = "credit"
    static let pastTense = "credited"
}
