import CommandLine
import LoyaltyMain

await Executable.loyalty.run()
