// Package reconcile is the operator's controller.
package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type reconciler struct {
	client client.Client
	log    *slog.Logger
}

// Reconcile writes the config map of one deployment.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var deployment appsv1.Deployment
	if err := r.client.Get(ctx, request.NamespacedName, &deployment); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	config := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: deployment.Namespace, Name: deployment.Name + "-info"},
		Data:       map[string]string{"generation": fmt.Sprint(deployment.Generation)},
	}
	if err := ctrl.SetControllerReference(&deployment, config, clientgoscheme.Scheme); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.client.Create(ctx, config); err != nil && !apierrors.IsAlreadyExists(err) {
		return ctrl.Result{}, err
	}
	r.log.Info("reconciled", "deployment", request.String())
	return ctrl.Result{RequeueAfter: time.Hour}, nil
}

// Run starts the controller, and an informer that counts pods.
func Run(ctx context.Context, log *slog.Logger) error {
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(clientset, time.Hour)
	pods := factory.Core().V1().Pods().Informer()
	if _, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { log.Debug("pod", "name", object.(*corev1.Pod).Name) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).
		For(&appsv1.Deployment{}).
		Owns(&corev1.ConfigMap{}).
		Complete(&reconciler{client: manager.GetClient(), log: log})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}
