public import EventSourcing

/// An ISO 4217 currency, by its code of three letters.
public struct Currency: Hashable, Sendable {
    /// The code, in upper case.
    public let code: String

    /// Creates a currency from the code of a currency in use, in upper case.
    ///
    /// - Throws: `invalid` for other text.
    public init(_ code: String) throws(DaybookError) {
        guard Self.exponents[code] != nil else {
            throw .invalid("'\(code)' is not an ISO 4217 currency code, such as USD")
        }
        self.code = code
    }

    private init(known code: String) { self.code = code }

    /// The number of decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.
    public var exponent: Int {
        // Every initializer looks the code up in this table.
        Self.exponents[code]!
    }

    /// US dollars, with cents.
    public static let usd = Currency(known: "USD")
    /// Euros, with cents.
    public static let eur = Currency(known: "EUR")
    /// Japanese yen, without a smaller unit.
    public static let jpy = Currency(known: "JPY")
    /// Kuwaiti dinars, with three decimals.
    public static let kwd = Currency(known: "KWD")

    /// ISO 4217, list one, without funds codes, precious metals and test codes.
    private static let exponents: [String: Int] = {
        let codes = [
            0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
            2: """
            AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP \
            BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
            GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT \
            LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN \
            NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP \
            SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED \
            VES WST XCD XCG YER ZAR ZMW ZWG
            """,
            3: "BHD IQD JOD KWD LYD OMR TND",
        ]
        var exponents: [String: Int] = [:]
        for (exponent, codes) in codes {
            for code in codes.split(separator: " ") { exponents[String(code)] = exponent }
        }
        return exponents
    }()
}

extension Currency: CustomStringConvertible, Codable {
    /// The code.
    public var description: String { code }

    /// Reads a currency from its code.
    ///
    /// - Throws: `invalid` for other text.
    public init(from decoder: any Decoder) throws {
        try self.init(String(from: decoder))
    }

    /// Writes the code.
    public func encode(to encoder: any Encoder) throws { try code.encode(to: encoder) }
}
