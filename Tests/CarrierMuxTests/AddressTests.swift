import Fabric
import HubClient
import Testing

@Suite("Addresses of hubs")
struct AddressTests {
    @Test(
        "The same hub, however it is written",
        arguments: [
            ("http://Hub:8000", "http://Hub:8000", "hub:8000"), ("http://hub:8000/", "http://hub:8000", "hub:8000"),
            ("http://hub:8000/api/mux", "http://hub:8000", "hub:8000"),
            ("http://hub:8000/api/ipoll/", "http://hub:8000", "hub:8000"), ("http://hub:80", "http://hub:80", "hub"),
            ("https://hub:443/x", "https://hub:443/x", "hub"), ("https://hub:80", "https://hub:80", "hub:80"),
            ("http://[::1]:8000/p/api/mux/", "http://[::1]:8000/p", "[::1]:8000"),
        ])
    func addresses(text: String, base: String, host: String) throws {
        let address = try HubAddress(parsing: text)
        #expect(address.base == base && address.host == host)
    }

    @Test(
        "What is no address",
        arguments: [
            "", "hub:8000", "ftp://hub", "http://", "http://:80", "http://u:p@hub", "http://hub/?a", "http://hub/#a",
            "http://hub/\n", "http://hub/ x", "http://h\u{e4}", "http://hub/$(x)",
        ])
    func noAddresses(text: String) { #expect(throws: CarrierError.self) { try HubAddress(parsing: text) } }

    @Test(
        "Names of agents",
        arguments: [
            ("Bob.aint", "bob"), (" bob\n", "bob"), ("my.aint.bot", "my.aint.bot"), ("storm.example", "storm.example"),
            ("root_idd", "root_idd"), ("a.AINT", "a"), ("x.aint.aint", "x.aint"),
        ])
    func agents(text: String, name: String) { #expect(HubAgent(text)?.name == name) }

    @Test(
        "What is no name of an agent",
        arguments: ["", " ", ".", "a..b", ".aint", "a b", "a/b", "\u{e4}", "a#b", String(repeating: "a", count: 254)])
    func noAgents(text: String) { #expect(HubAgent(text) == nil) }

    @Test("A route names a server and an agent")
    func routes() throws {
        let route = try HubRoute(Route(scheme: "mux", address: "http://hub:8000#Bob.aint"), scheme: "mux")
        #expect(route.address.base == "http://hub:8000" && route.agent.name == "bob")
        for address in ["http://hub:8000", "http://hub:8000#", "#bob", "http://hub:8000#bob/$(x)"] {
            #expect(throws: CarrierError.self) {
                try HubRoute(Route(scheme: "mux", address: address), scheme: "mux")
            }
        }
        #expect(throws: CarrierError.self) {
            try HubRoute(Route(scheme: "ipoll", address: "http://hub:8000#bob"), scheme: "mux")
        }
    }
}
