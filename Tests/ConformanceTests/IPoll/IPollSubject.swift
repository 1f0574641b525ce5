import CarrierConformance
import CarrierIPoll
import Fabric
import Foundation
import ProgramRunner
import SystemPackage
import Testing

/// The I-Poll carrier, as sender and as receiver, to our hub behind a relay that can break.
struct IPollSubject: ConformanceSubject {
    let title = "ipoll"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .resuming, .receiving, .leases, .falseOffers, .limit, .breakage(.full),
        .breakage(.readOnly), .breakage(.absent), .breakage(.diesMidway), .breakage(.diesBeforeAnswering),
        .breakage(.trickles), .breakage(.slow), .breakage(.neverAnswers), .breakage(.answersGarbage),
        .breakage(.answersLate),
        .breakage(.closesAtOnce), .breakage(.speaksAnother),
    ]
    let excuses = excusing([
        (
            "the far side answers once the envelope is durable, with its digest; it closes no files",
            CaseNames.forgetting
        ),
        ("plain HTTP has no key; certificates are checked against authorities, in TLSTests", CaseNames.keys),
    ])

    private let sender = "sender-" + UUID().uuidString.lowercased()
    private let folder: WorkFolder

    init() throws { folder = try WorkFolder() }

    private var configuration: IPollCarrierConfiguration {
        var requests = IPollConfiguration()
        requests.stallTime = .seconds(4)
        var configuration = IPollCarrierConfiguration(sender: sender, requests: requests)
        configuration.wait = .seconds(2)
        configuration.state = FilePath(folder.path("state"))
        return configuration
    }

    func makeCarrier() async throws -> any Carrier { IPollCarrier(configuration: configuration) }

    func makeLimitedCarrier() async throws -> any Carrier {
        var configuration = configuration
        configuration.largestEnvelope = 1_000_000
        return IPollCarrier(configuration: configuration)
    }

    func makeFarSide() async throws -> any FarSide { try await IPollFarSide(sender: sender) }
}

extension ConformanceTests {
    @Test("The I-Poll carrier, to our hub", arguments: quickNames)
    func ipoll(name: String) async throws { try await Self.check(name, over: try IPollSubject()) }

    @Test("The I-Poll subject excuses only what exists")
    func ipollExcuses() throws { #expect(ConformanceSuite.strayExcuses(of: try IPollSubject()).isEmpty) }
}
