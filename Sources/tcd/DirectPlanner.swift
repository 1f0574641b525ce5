internal import Fabric

/// Plans with what a target says itself: one route, named by the person who sends.
struct DirectPlanner: RoutePlanner {
    func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan {
        do {
            let route = try Composition.route(to: target.text, transport: target.transport)
            return RoutePlan(routes: [PlannedRoute(route, origin: .commandLine)])
        } catch let error as any ExplainedError {
            throw CarrierError(.misconfigured, .waitForPerson, error.explanation, remedy: error.remedy)
        } catch {
            throw CarrierError(.misconfigured, .waitForPerson, "\(error)")
        }
    }
}
